//! agreement: a merge method and a scorer that ask how far clients and samples agree.
//!
//! Examples/plugins holds the same two in C, C++, Rust and Swift. All add up in the same order and without fused
//! operations, so they give the same results to the last bit.
mod clues;

use clues::*;
use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::ptr::null;

// -------------------------------------------------------------------------------------------------- agreement-mask

struct AgreementMask {
    host: *const clues_host,
    threshold: f64,
    scale: f64,
}

impl AgreementMask {
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
            inputs.push((&*input, Matrix::new((*input).value)?));
        }
        let mut shares = vec![0.0; inputs.len()];
        for row in 0..output.rows {
            check_cancellation(self.host)?;
            for column in 0..output.columns {
                for (share, (input, value)) in shares.iter_mut().zip(&inputs) {
                    *share = input.weight * value.get(row, column) as f64;
                    if !share.is_finite() {
                        let client = CStr::from_ptr(input.client).to_string_lossy();
                        let text = format!("client '{client}' has a value that is not finite");
                        return refuse(CLUES_FAILED_PRECONDITION, text);
                    }
                }
                output.set(row, column, self.merged(&mut shares));
            }
        }
        Ok(())
    }

    /// What is added up in the order of the values does not depend on that of the clients.
    fn merged(&self, shares: &mut [f64]) -> f32 {
        shares.sort_by(f64::total_cmp);
        let (mut positive, mut negative) = (0.0, 0.0);
        for &share in shares.iter() {
            if share > 0.0 {
                positive += share;
            } else {
                negative -= share;
            }
        }
        let (sum, total): (f64, f64) = (positive - negative, positive + negative);
        let is_kept = total > 0.0 && sum.abs() / total >= self.threshold;
        if is_kept { (self.scale * sum) as f32 } else { 0.0 }
    }
}

unsafe extern "C" fn mask_create(
    _: *const clues_merge_method, host: *const clues_host, parameters: *const clues_parameters,
    instance: *mut *mut c_void,
) -> clues_status {
    guard(host, || {
        let threshold = parameter(parameters, "threshold").map_or(0.5, |parameter| parameter.number);
        let scale = parameter(parameters, "scale").map_or(1.0, |parameter| parameter.number);
        *instance = Box::into_raw(Box::new(AgreementMask { host, threshold, scale })) as *mut c_void;
        Ok(())
    })
}

unsafe extern "C" fn mask_destroy(instance: *mut c_void) { drop(Box::from_raw(instance as *mut AgreementMask)) }

unsafe extern "C" fn mask_merge(
    instance: *mut c_void, unit: *const clues_merge_unit, output: *const clues_tensor,
) -> clues_status {
    let method = &*(instance as *const AgreementMask);
    guard(method.host, || method.merge(&*unit, Matrix::new(output)?))
}

static MASK_ABOUT: clues_descriptor = clues_descriptor {
    struct_size: CLUES_DESCRIPTOR_SIZE,
    flags: 0,
    id: text!("agreement-mask"),
    summary: text!("The weighted sum of the clients, without the entries where they contradict each other."),
    details: text!("The agreement of an entry is |Σ weight · value| / Σ |weight · value|: 1 where all clients pull in one \
direction, 0 where they cancel out. Entries that agree less than threshold become 0; the others are scale · Σ weight · \
value."),
    reference: text!("after the AND-mask of Parascandolo et al. 2020 (arXiv 2009.00329), here by magnitude"),
    parameters: text!(r#"{
        "scale": {"type": "number", "default": 1.0, "minimum": 0, "description": "A factor for the whole result."},
        "threshold": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1,
                      "description": "The agreement that an entry must reach to be kept."}}"#),
};

static MASK: clues_merge_method = clues_merge_method {
    struct_size: CLUES_MERGE_METHOD_SIZE,
    flags: 0,
    about: &MASK_ABOUT,
    minimum_inputs: 1,
    maximum_inputs: 0,
    spaces: CLUES_SPACE_CORE | CLUES_SPACE_DELTA,
    default_space: CLUES_SPACE_DELTA,
    dtypes: 1 << CLUES_F32,
    survey_passes: 0,
    create: Some(mask_create),
    destroy: Some(mask_destroy),
    coefficients: None,
    merge: Some(mask_merge),
    survey_size: None,
    survey: None,
    combine: None,
    note_size: None,
    note: None,
    merge_rows: None,
};

// ----------------------------------------------------------------------------------------------- validation-cosine

struct ValidationCosine {
    host: *const clues_host,
    /// Whether the client's own domain alone counts.
    own: bool,
    /// Of every domain that counts, in the current tensor; lent until it ends.
    domains: std::ops::Range<usize>,
    means: Vec<&'static [f32]>,
    /// Of every sample ‖gradient‖².
    squares: Vec<f64>,
    /// Of every sample and domain that counts <gradient, mean>.
    products: Vec<f64>,
    /// Of every domain that counts ‖mean‖².
    mean_squares: Vec<f64>,
}

impl ValidationCosine {
    unsafe fn begin_checkpoint(&mut self, checkpoint: &clues_checkpoint) -> Result<(), Refusal> {
        if checkpoint.struct_size < CLUES_CHECKPOINT_SIZE {
            return refuse(CLUES_UNSUPPORTED, "the host's checkpoint is too old");
        }
        let (count, own) = (checkpoint.domain_count as usize, checkpoint.own_domain as usize);
        if count == 0 {
            return refuse(CLUES_FAILED_PRECONDITION, "there are no validation gradients to compare with");
        }
        if self.own && own >= count {
            return refuse(CLUES_FAILED_PRECONDITION, "no validation set bears the client's own domain");
        }
        self.domains = if self.own { own..own + 1 } else { 0..count };
        self.squares = vec![0.0; checkpoint.sample_count as usize];
        self.products = vec![0.0; self.squares.len() * self.domains.len()];
        self.mean_squares = vec![0.0; self.domains.len()];
        Ok(())
    }

    unsafe fn begin_tensor(&mut self, tensor: &clues_gradient_tensor) -> Result<(), Refusal> {
        if tensor.struct_size < CLUES_GRADIENT_TENSOR_SIZE || tensor.validation_means.is_null() {
            return refuse(CLUES_UNSUPPORTED, "the host brings no mean validation gradients");
        }
        self.means.clear();
        for domain in self.domains.clone() {
            self.means.push(slice(*tensor.validation_means.add(domain), tensor.element_count));
        }
        for (square, mean) in self.mean_squares.iter_mut().zip(&self.means) {
            for &element in mean.iter() {
                *square += element as f64 * element as f64;
            }
        }
        Ok(())
    }

    unsafe fn update(&mut self, rows: &clues_gradient_rows) -> Result<(), Refusal> {
        let width = self.means.first().map_or(0, |mean| mean.len());
        let first = rows.first_sample as usize;
        if first > self.squares.len() || rows.row_count as usize > self.squares.len() - first {
            return refuse(CLUES_INVALID_ARGUMENT, "the host shows more samples than there are");
        }
        for row in 0..rows.row_count as usize {
            check_cancellation(self.host)?;
            let gradient = slice(rows.values.wrapping_add(row * width), width as u64);
            for &element in gradient {
                self.squares[first + row] += element as f64 * element as f64;
            }
            for (domain, mean) in self.means.iter().enumerate() {
                let product = &mut self.products[(first + row) * self.means.len() + domain];
                for (&element, &mean) in gradient.iter().zip(mean.iter()) {
                    *product += element as f64 * mean as f64;
                }
            }
        }
        Ok(())
    }

    unsafe fn end_checkpoint(&self, scores: &clues_scores) -> Result<(), Refusal> {
        if scores.count != self.squares.len() as u64 {
            return refuse(CLUES_INVALID_ARGUMENT, "the host asks for another number of scores");
        }
        let values = slice_mut(scores.values, scores.count);
        let reasons = slice_mut(scores.reasons, scores.count);
        for sample in 0..values.len() {
            match self.mean_cosine(sample) {
                Ok(value) => values[sample] = value,
                Err(reason) => reasons[sample] = reason,
            }
        }
        Ok(())
    }

    fn mean_cosine(&self, sample: usize) -> Result<f64, *const c_char> {
        let square = self.squares[sample];
        if !square.is_finite() {
            return Err(text!("its gradient is not finite"));
        }
        if square == 0.0 {
            return Err(text!("its gradient is zero"));
        }
        let mut sum = 0.0;
        for (domain, &mean_square) in self.mean_squares.iter().enumerate() {
            if !mean_square.is_finite() || mean_square == 0.0 {
                return Err(text!("a mean validation gradient has no direction"));
            }
            let product = self.products[sample * self.mean_squares.len() + domain];
            sum += product / (square.sqrt() * mean_square.sqrt());
        }
        Ok(sum / self.mean_squares.len() as f64)
    }
}

unsafe fn cosine_behind<'call>(instance: *mut c_void) -> &'call mut ValidationCosine {
    &mut *(instance as *mut ValidationCosine)
}

unsafe extern "C" fn cosine_create(
    _: *const clues_scorer, host: *const clues_host, parameters: *const clues_parameters, instance: *mut *mut c_void,
) -> clues_status {
    guard(host, || {
        let domains = parameter(parameters, "domains");
        if domains.map_or(false, |parameter| parameter.r#type != CLUES_PARAMETER_TEXT || parameter.text.is_null()) {
            return refuse(CLUES_INVALID_ARGUMENT, "domains must be a text");
        }
        let scorer = ValidationCosine {
            host,
            own: domains.map_or(false, |parameter| says(parameter.text, "own")),
            domains: 0..0,
            means: Vec::new(),
            squares: Vec::new(),
            products: Vec::new(),
            mean_squares: Vec::new(),
        };
        *instance = Box::into_raw(Box::new(scorer)) as *mut c_void;
        Ok(())
    })
}

unsafe extern "C" fn cosine_destroy(instance: *mut c_void) { drop(Box::from_raw(instance as *mut ValidationCosine)) }

unsafe extern "C" fn cosine_needs(_: *mut c_void, alternative: u32, needs: *mut clues_needs) -> clues_status {
    if alternative > 0 {
        return CLUES_UNSUPPORTED;
    }
    *needs = clues_needs {
        struct_size: CLUES_NEEDS_SIZE,
        evidence: CLUES_EVIDENCE_GRADIENTS | CLUES_EVIDENCE_VALIDATION_MEANS,
        passes: 1,
        checkpoints: CLUES_CHECKPOINTS_ALL,
        reserved: 0,
        column_count: 0,
        columns: null(),
    };
    CLUES_OK
}

unsafe extern "C" fn cosine_begin_checkpoint(
    instance: *mut c_void, checkpoint: *const clues_checkpoint,
) -> clues_status {
    let scorer = cosine_behind(instance);
    guard(scorer.host, || scorer.begin_checkpoint(&*checkpoint))
}

unsafe extern "C" fn cosine_begin_tensor(instance: *mut c_void, tensor: *const clues_gradient_tensor) -> clues_status {
    let scorer = cosine_behind(instance);
    guard(scorer.host, || scorer.begin_tensor(&*tensor))
}

unsafe extern "C" fn cosine_update(instance: *mut c_void, rows: *const clues_gradient_rows) -> clues_status {
    let scorer = cosine_behind(instance);
    guard(scorer.host, || scorer.update(&*rows))
}

unsafe extern "C" fn cosine_end_tensor(instance: *mut c_void) -> clues_status {
    cosine_behind(instance).means.clear();
    CLUES_OK
}

unsafe extern "C" fn cosine_end_checkpoint(instance: *mut c_void, scores: *const clues_scores) -> clues_status {
    let scorer = cosine_behind(instance);
    guard(scorer.host, || scorer.end_checkpoint(&*scores))
}

unsafe extern "C" fn cosine_finish(
    instance: *mut c_void, checkpoint_count: u32, checkpoints: *const *const clues_scores, scores: *const clues_scores,
) -> clues_status {
    guard(cosine_behind(instance).host, || {
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

static COSINE_ABOUT: clues_descriptor = clues_descriptor {
    struct_size: CLUES_DESCRIPTOR_SIZE,
    flags: 0,
    id: text!("validation-cosine"),
    summary: text!("The cosine between a sample's gradient and the mean validation gradients."),
    details: text!("Over all parameters together; the mean over the domains that count, then over the checkpoints."),
    reference: null(),
    parameters: text!(r#"{"domains": {"type": "string", "enum": ["all", "own"], "default": "all",
                     "description": "Whether all domains count, or the client's own alone."}}"#),
};

static COSINE: clues_scorer = clues_scorer {
    struct_size: CLUES_SCORER_SIZE,
    granularity: CLUES_SCORES_SAMPLES,
    about: &COSINE_ABOUT,
    create: Some(cosine_create),
    destroy: Some(cosine_destroy),
    needs: Some(cosine_needs),
    begin_checkpoint: Some(cosine_begin_checkpoint),
    begin_tensor: Some(cosine_begin_tensor),
    update: Some(cosine_update),
    end_tensor: Some(cosine_end_tensor),
    end_checkpoint: Some(cosine_end_checkpoint),
    finish: Some(cosine_finish),
    score_clients: None,
};

// --------------------------------------------------------------------------------------------------------- library

static METHODS: List<clues_merge_method, 1> = List([&MASK]);
static SCORERS: List<clues_scorer, 1> = List([&COSINE]);

static PLUGIN: clues_plugin = clues_plugin {
    struct_size: CLUES_PLUGIN_SIZE,
    abi_minor: CLUES_ABI_MINOR,
    name: text!("agreement"),
    version: text!("1.0.0"),
    vendor: text!("Clues"),
    license: text!("Apache-2.0"),
    merge_method_count: 1,
    scorer_count: 1,
    threshold_rule_count: 0,
    reserved: 0,
    merge_methods: METHODS.0.as_ptr(),
    scorers: SCORERS.0.as_ptr(),
    threshold_rules: null(),
};

#[no_mangle]
pub extern "C" fn clues_plugin_entry_v1(_host_abi_minor: u32) -> *const clues_plugin { &PLUGIN }
