//! my-plugin: a scorer. This one scores a sample by its loss, times `scale`: what the model finds hard is worth more.
mod clues;

use clues::*;
use std::ffi::c_void;
use std::os::raw::c_char;
use std::ptr::null;

/// What the scoring of one client keeps. Nothing that changes is global: several instances work at the same time.
struct HardSamples {
    host: *const clues_host,
    scale: f64,
    /// Of the current checkpoint.
    losses: Vec<f64>,
}

impl HardSamples {
    unsafe fn begin(&mut self, checkpoint: &clues_checkpoint) -> Result<(), Refusal> {
        if checkpoint.struct_size < CLUES_CHECKPOINT_SIZE {
            return refuse(CLUES_UNSUPPORTED, "the host's checkpoint is too old");
        }
        let columns = slice(checkpoint.columns, checkpoint.column_count as u64);
        match columns.iter().find(|column| says((***column).name, "loss")) {
            Some(&column) => self.losses = slice((*column).values, checkpoint.sample_count).to_vec(),
            None => return refuse(CLUES_FAILED_PRECONDITION, "there is no column 'loss'"),
        }
        Ok(())
    }

    unsafe fn score(&self, scores: &clues_scores) -> Result<(), Refusal> {
        if scores.count != self.losses.len() as u64 {
            return refuse(CLUES_INVALID_ARGUMENT, "the host asks for another number of scores");
        }
        let values = slice_mut(scores.values, scores.count);
        let reasons = slice_mut(scores.reasons, scores.count);
        for (place, loss) in self.losses.iter().enumerate() {
            if loss.is_finite() {
                values[place] = self.scale * loss;
            } else {
                reasons[place] = text!("it has no loss");
            }
        }
        Ok(())
    }
}

unsafe fn scorer_behind<'call>(instance: *mut c_void) -> &'call mut HardSamples { &mut *(instance as *mut HardSamples) }

unsafe extern "C" fn create(
    _: *const clues_scorer, host: *const clues_host, parameters: *const clues_parameters, instance: *mut *mut c_void,
) -> clues_status {
    guard(host, || {
        let scale = parameter(parameters, "scale").map_or(1.0, |parameter| parameter.number);
        *instance = Box::into_raw(Box::new(HardSamples { host, scale, losses: Vec::new() })) as *mut c_void;
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) { drop(Box::from_raw(instance as *mut HardSamples)) }

unsafe extern "C" fn needs(_: *mut c_void, alternative: u32, needs: *mut clues_needs) -> clues_status {
    static COLUMNS: List<c_char, 1> = List([text!("loss")]);
    if alternative > 0 {
        return CLUES_UNSUPPORTED;
    }
    *needs = clues_needs {
        struct_size: CLUES_NEEDS_SIZE,
        evidence: 0,
        passes: 0,
        checkpoints: CLUES_CHECKPOINTS_ALL,
        reserved: 0,
        column_count: 1,
        columns: COLUMNS.0.as_ptr(),
    };
    CLUES_OK
}

unsafe extern "C" fn begin_checkpoint(instance: *mut c_void, checkpoint: *const clues_checkpoint) -> clues_status {
    let scorer = scorer_behind(instance);
    guard(scorer.host, || scorer.begin(&*checkpoint))
}

unsafe extern "C" fn end_checkpoint(instance: *mut c_void, scores: *const clues_scores) -> clues_status {
    let scorer = scorer_behind(instance);
    guard(scorer.host, || scorer.score(&*scores))
}

/// The mean over the checkpoints.
unsafe extern "C" fn finish(
    instance: *mut c_void, checkpoint_count: u32, checkpoints: *const *const clues_scores, scores: *const clues_scores,
) -> clues_status {
    guard(scorer_behind(instance).host, || {
        let all = slice(checkpoints, checkpoint_count as u64);
        let values = slice_mut((*scores).values, (*scores).count);
        let reasons = slice_mut((*scores).reasons, (*scores).count);
        for place in 0..values.len() {
            let mut sum = 0.0;
            for &checkpoint in all {
                if slice((*checkpoint).reasons, (*checkpoint).count)[place].is_null() {
                    sum += slice((*checkpoint).values, (*checkpoint).count)[place];
                } else {
                    reasons[place] = text!("it has no score at one of the checkpoints");
                }
            }
            if reasons[place].is_null() {
                values[place] = sum / checkpoint_count as f64;
            }
        }
        Ok(())
    })
}

static ABOUT: clues_descriptor = clues_descriptor {
    struct_size: CLUES_DESCRIPTOR_SIZE,
    flags: 0,
    id: text!("my-plugin"),
    summary: text!("Samples with a large loss score high."),
    details: text!("The score is scale · loss, and the mean of that over the checkpoints."),
    reference: null(),
    parameters: text!(r#"{"scale": {"type": "number", "default": 1.0, "minimum": 0,
                     "description": "A factor for all scores."}}"#),
};

static SCORER: clues_scorer = clues_scorer {
    struct_size: CLUES_SCORER_SIZE,
    granularity: CLUES_SCORES_SAMPLES,
    about: &ABOUT,
    create: Some(create),
    destroy: Some(destroy),
    needs: Some(needs),
    begin_checkpoint: Some(begin_checkpoint),
    begin_tensor: None,
    update: None,
    end_tensor: None,
    end_checkpoint: Some(end_checkpoint),
    finish: Some(finish),
    score_clients: None,
};

static SCORERS: List<clues_scorer, 1> = List([&SCORER]);

static PLUGIN: clues_plugin = clues_plugin {
    struct_size: CLUES_PLUGIN_SIZE,
    abi_minor: CLUES_ABI_MINOR,
    name: text!("my-plugin"),
    version: text!("1.0.0"),
    vendor: null(),
    license: null(),
    merge_method_count: 0,
    scorer_count: 1,
    threshold_rule_count: 0,
    reserved: 0,
    merge_methods: null(),
    scorers: SCORERS.0.as_ptr(),
    threshold_rules: null(),
};

#[no_mangle]
pub extern "C" fn clues_plugin_entry_v1(_host_abi_minor: u32) -> *const clues_plugin { &PLUGIN }
