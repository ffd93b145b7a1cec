//! my-plugin: a merge method. This one takes, entry by entry, the weighted sum of the clients times `scale`.
mod clues;

use clues::*;
use std::ffi::c_void;
use std::ptr::null;

/// What one merge keeps. Nothing that changes is global: several instances work at the same time.
struct WeightedSum {
    host: *const clues_host,
    scale: f64,
}

impl WeightedSum {
    unsafe fn merge(&self, unit: &clues_merge_unit, output: Matrix) -> Result<(), Refusal> {
        if unit.struct_size < CLUES_MERGE_UNIT_SIZE {
            return refuse(CLUES_UNSUPPORTED, "the host's unit is too old");
        }
        if unit.space != CLUES_SPACE_CORE && unit.space != CLUES_SPACE_DELTA {
            return refuse(CLUES_UNSUPPORTED, "it means nothing in this space");
        }
        if unit.part != CLUES_PART_WHOLE {
            return refuse(CLUES_UNSUPPORTED, "it takes whole matrices, not parts");
        }
        let mut inputs = Vec::new();
        for &input in slice(unit.inputs, unit.input_count as u64) {
            inputs.push(((*input).weight, Matrix::new((*input).value)?));
        }
        for row in 0..output.rows {
            check_cancellation(self.host)?;
            for column in 0..output.columns {
                let mut sum = 0.0;
                for (weight, value) in &inputs {
                    sum += weight * value.get(row, column) as f64;
                }
                output.set(row, column, (self.scale * sum) as f32);
            }
        }
        Ok(())
    }
}

unsafe extern "C" fn create(
    _: *const clues_merge_method, host: *const clues_host, parameters: *const clues_parameters,
    instance: *mut *mut c_void,
) -> clues_status {
    guard(host, || {
        let scale = parameter(parameters, "scale").map_or(1.0, |parameter| parameter.number);
        *instance = Box::into_raw(Box::new(WeightedSum { host, scale })) as *mut c_void;
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) { drop(Box::from_raw(instance as *mut WeightedSum)) }

unsafe extern "C" fn merge(
    instance: *mut c_void, unit: *const clues_merge_unit, output: *const clues_tensor,
) -> clues_status {
    let method = &*(instance as *const WeightedSum);
    guard(method.host, || method.merge(&*unit, Matrix::new(output)?))
}

static ABOUT: clues_descriptor = clues_descriptor {
    struct_size: CLUES_DESCRIPTOR_SIZE,
    flags: 0,
    id: text!("my-plugin"),
    summary: text!("The weighted sum of the clients, entry by entry."),
    details: text!("The result is scale · Σ weight · value."),
    reference: null(),
    parameters: text!(r#"{"scale": {"type": "number", "default": 1.0, "minimum": 0,
                     "description": "A factor for the whole result."}}"#),
};

static METHOD: clues_merge_method = clues_merge_method {
    struct_size: CLUES_MERGE_METHOD_SIZE,
    flags: 0,
    about: &ABOUT,
    minimum_inputs: 1,
    maximum_inputs: 0,
    spaces: CLUES_SPACE_CORE | CLUES_SPACE_DELTA,
    default_space: CLUES_SPACE_DELTA,
    dtypes: 1 << CLUES_F32,
    survey_passes: 0,
    create: Some(create),
    destroy: Some(destroy),
    coefficients: None,
    merge: Some(merge),
    survey_size: None,
    survey: None,
    combine: None,
    note_size: None,
    note: None,
    merge_rows: None,
};

static METHODS: List<clues_merge_method, 1> = List([&METHOD]);

static PLUGIN: clues_plugin = clues_plugin {
    struct_size: CLUES_PLUGIN_SIZE,
    abi_minor: CLUES_ABI_MINOR,
    name: text!("my-plugin"),
    version: text!("1.0.0"),
    vendor: null(),
    license: null(),
    merge_method_count: 1,
    scorer_count: 0,
    threshold_rule_count: 0,
    reserved: 0,
    merge_methods: METHODS.0.as_ptr(),
    scorers: null(),
    threshold_rules: null(),
};

#[no_mangle]
pub extern "C" fn clues_plugin_entry_v1(_host_abi_minor: u32) -> *const clues_plugin { &PLUGIN }
