//! my-plugin: a threshold rule. This one takes, for all clients, the mean score of all anchors less `margin`.
mod clues;

use clues::*;
use std::ffi::c_void;
use std::ptr::null;

/// What one decision keeps. Nothing that changes is global: several instances work at the same time.
struct AnchorMargin {
    host: *const clues_host,
    margin: f64,
}

impl AnchorMargin {
    unsafe fn decide(&self, clients: &[*const clues_client_scores], thresholds: &mut [f64]) -> Result<(), Refusal> {
        let (mut sum, mut count) = (0.0, 0u64);
        for &client in clients {
            let values = slice((*client).values, (*client).count);
            for (value, split) in values.iter().zip(slice((*client).splits, (*client).count)) {
                if *split > CLUES_SPLIT_ANCHOR {
                    return refuse(CLUES_UNSUPPORTED, "a sample is of a split that it does not know");
                }
                if *split == CLUES_SPLIT_ANCHOR {
                    sum += value;
                    count += 1;
                }
            }
        }
        if count == 0 {
            return refuse(CLUES_FAILED_PRECONDITION, "there are no scores of anchors");
        }
        thresholds.fill(sum / count as f64 - self.margin);
        Ok(())
    }
}

unsafe extern "C" fn create(
    _: *const clues_threshold_rule, host: *const clues_host, parameters: *const clues_parameters,
    instance: *mut *mut c_void,
) -> clues_status {
    guard(host, || {
        let margin = parameter(parameters, "margin").map_or(0.0, |parameter| parameter.number);
        *instance = Box::into_raw(Box::new(AnchorMargin { host, margin })) as *mut c_void;
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) { drop(Box::from_raw(instance as *mut AnchorMargin)) }

unsafe extern "C" fn decide(
    instance: *mut c_void, client_count: u32, clients: *const *const clues_client_scores, thresholds: *mut f64,
) -> clues_status {
    let rule = &*(instance as *const AnchorMargin);
    let count = client_count as u64;
    guard(rule.host, || rule.decide(slice(clients, count), slice_mut(thresholds, count)))
}

static ABOUT: clues_descriptor = clues_descriptor {
    struct_size: CLUES_DESCRIPTOR_SIZE,
    flags: 0,
    id: text!("my-plugin"),
    summary: text!("The mean score of all anchors, less a margin."),
    details: text!("All clients get the same threshold: the mean score of all clients' anchors, less margin."),
    reference: null(),
    parameters: text!(r#"{"margin": {"type": "number", "default": 0,
                     "description": "How far below the anchors a sample may be."}}"#),
};

static RULE: clues_threshold_rule = clues_threshold_rule {
    struct_size: CLUES_THRESHOLD_RULE_SIZE,
    flags: 0,
    about: &ABOUT,
    create: Some(create),
    destroy: Some(destroy),
    decide: Some(decide),
};

static RULES: List<clues_threshold_rule, 1> = List([&RULE]);

static PLUGIN: clues_plugin = clues_plugin {
    struct_size: CLUES_PLUGIN_SIZE,
    abi_minor: CLUES_ABI_MINOR,
    name: text!("my-plugin"),
    version: text!("1.0.0"),
    vendor: null(),
    license: null(),
    merge_method_count: 0,
    scorer_count: 0,
    threshold_rule_count: 1,
    reserved: 0,
    merge_methods: null(),
    scorers: null(),
    threshold_rules: RULES.0.as_ptr(),
};

#[no_mangle]
pub extern "C" fn clues_plugin_entry_v1(_host_abi_minor: u32) -> *const clues_plugin { &PLUGIN }
