//! The contract of `clues_plugin.h`, version 1, in Rust: the same structs with the same fields in the same order, where
//! the comments of the header hold. At the end what keeps Rust on its side of it.
#![allow(non_camel_case_types, dead_code)]

use std::ffi::{c_void, CStr, CString};
use std::mem::size_of;
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

pub const CLUES_ABI_MINOR: u32 = 0;

pub type clues_status = u32;
pub const CLUES_OK: clues_status = 0;
pub const CLUES_CANCELLED: clues_status = 1;
pub const CLUES_INVALID_ARGUMENT: clues_status = 2;
pub const CLUES_UNSUPPORTED: clues_status = 3;
pub const CLUES_OUT_OF_MEMORY: clues_status = 4;
pub const CLUES_FAILED_PRECONDITION: clues_status = 5;
pub const CLUES_INTERNAL: clues_status = 6;

pub type clues_log_level = u32;
pub const CLUES_LOG_DEBUG: clues_log_level = 0;
pub const CLUES_LOG_INFO: clues_log_level = 1;
pub const CLUES_LOG_WARNING: clues_log_level = 2;

pub type clues_dtype = u32;
pub const CLUES_F32: clues_dtype = 0;
pub const CLUES_F64: clues_dtype = 1;
pub const CLUES_F16: clues_dtype = 2;
pub const CLUES_BF16: clues_dtype = 3;

pub const CLUES_TENSOR_CONTIGUOUS: u32 = 1;
pub const CLUES_TENSOR_WRITABLE: u32 = 2;
pub const CLUES_TENSOR_ALIGNED64: u32 = 4;

pub type clues_parameter_type = u32;
pub const CLUES_PARAMETER_NUMBER: clues_parameter_type = 0;
pub const CLUES_PARAMETER_INTEGER: clues_parameter_type = 1;
pub const CLUES_PARAMETER_BOOLEAN: clues_parameter_type = 2;
pub const CLUES_PARAMETER_TEXT: clues_parameter_type = 3;
pub const CLUES_PARAMETER_NUMBERS: clues_parameter_type = 4;
pub const CLUES_PARAMETER_DEFAULTED: u32 = 1;

pub const CLUES_ALTERNATIVES_AGREE: u32 = 1;

pub type clues_space = u32;
pub const CLUES_SPACE_STACK: clues_space = 1;
pub const CLUES_SPACE_CORE: clues_space = 2;
pub const CLUES_SPACE_DELTA: clues_space = 4;
pub const CLUES_SPACE_FACTORS: clues_space = 8;

pub type clues_part = u32;
pub const CLUES_PART_WHOLE: clues_part = 0;
pub const CLUES_PART_A: clues_part = 1;
pub const CLUES_PART_B: clues_part = 2;

pub const CLUES_MERGE_WANTS_INNER_PRODUCTS: u32 = 1;
pub const CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS: u32 = 2;
pub const CLUES_MERGE_READS_ROWS: u32 = 4;
pub const CLUES_MERGE_SURVEYS_ROWS: u32 = 8;

pub const CLUES_SPLIT_TRAIN: u32 = 0;
pub const CLUES_SPLIT_ANCHOR: u32 = 1;

pub const CLUES_EVIDENCE_GRADIENTS: u32 = 1;
pub const CLUES_EVIDENCE_MOMENTS: u32 = 2;
pub const CLUES_EVIDENCE_VALIDATION_MEANS: u32 = 4;
pub const CLUES_EVIDENCE_VALIDATION_SAMPLES: u32 = 8;
pub const CLUES_EVIDENCE_LEARNING_RATE: u32 = 16;
pub const CLUES_EVIDENCE_ADAPTERS: u32 = 32;

pub type clues_checkpoint_choice = u32;
pub const CLUES_CHECKPOINTS_ALL: clues_checkpoint_choice = 0;
pub const CLUES_CHECKPOINTS_LAST: clues_checkpoint_choice = 1;

pub type clues_granularity = u32;
pub const CLUES_SCORES_SAMPLES: clues_granularity = 0;
pub const CLUES_SCORES_CLIENTS: clues_granularity = 1;

/// A struct of the contract with its size, and the promise that nobody changes one that stands in a static.
macro_rules! structs {
    ($($size:ident = $bytes:literal: $name:ident { $($field:ident: $type:ty),* $(,)? })*) => { $(
        pub const $size: u32 = $bytes;
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $(pub $field: $type),* }
        const _: () = assert!(size_of::<$name>() == $bytes);
        unsafe impl Sync for $name {}
    )* };
}

structs! {
    CLUES_TENSOR_SIZE = 40: clues_tensor {
        struct_size: u32,
        dtype: clues_dtype,
        rank: u32,
        flags: u32,
        shape: *const i64,
        strides: *const i64,
        data: *mut c_void,
    }
    CLUES_PARAMETER_SIZE = 56: clues_parameter {
        struct_size: u32,
        r#type: clues_parameter_type,
        flags: u32,
        count: u32,
        name: *const c_char,
        number: f64,
        integer: i64,
        text: *const c_char,
        numbers: *const f64,
    }
    CLUES_PARAMETERS_SIZE = 16: clues_parameters {
        struct_size: u32,
        count: u32,
        items: *const *const clues_parameter,
    }
    CLUES_HOST_SIZE = 64: clues_host {
        struct_size: u32,
        abi_minor: u32,
        context: *mut c_void,
        log: unsafe extern "C" fn(*const clues_host, clues_log_level, *const c_char),
        set_error: unsafe extern "C" fn(*const clues_host, *const c_char),
        is_cancelled: unsafe extern "C" fn(*const clues_host) -> u32,
        scratch: unsafe extern "C" fn(*const clues_host, u64, u64) -> *mut c_void,
        random_words: unsafe extern "C" fn(*const clues_host, u64, u64, u64, *mut u64),
        extension: unsafe extern "C" fn(*const clues_host, *const c_char) -> *const c_void,
    }
    CLUES_DESCRIPTOR_SIZE = 48: clues_descriptor {
        struct_size: u32,
        flags: u32,
        id: *const c_char,
        summary: *const c_char,
        details: *const c_char,
        reference: *const c_char,
        parameters: *const c_char,
    }
    CLUES_MERGE_INPUT_SIZE = 40: clues_merge_input {
        struct_size: u32,
        index: u32,
        client: *const c_char,
        weight: f64,
        stream: u64,
        value: *const clues_tensor,
    }
    CLUES_MERGE_UNIT_SIZE = 64: clues_merge_unit {
        struct_size: u32,
        space: clues_space,
        module: *const c_char,
        part: clues_part,
        input_count: u32,
        inputs: *const *const clues_merge_input,
        inner_products: *const f64,
        adapter_inner_products: *const f64,
        survey: *const c_void,
        survey_size: u64,
    }
    CLUES_MERGE_METHOD_SIZE = 120: clues_merge_method {
        struct_size: u32,
        flags: u32,
        about: *const clues_descriptor,
        minimum_inputs: u32,
        maximum_inputs: u32,
        spaces: u32,
        default_space: clues_space,
        dtypes: u32,
        survey_passes: u32,
        create: Option<unsafe extern "C" fn(
            *const clues_merge_method, *const clues_host, *const clues_parameters, *mut *mut c_void) -> clues_status>,
        destroy: Option<unsafe extern "C" fn(*mut c_void)>,
        coefficients: Option<unsafe extern "C" fn(*mut c_void, *const clues_merge_unit, *mut f64) -> clues_status>,
        merge: Option<unsafe extern "C" fn(*mut c_void, *const clues_merge_unit, *const clues_tensor) -> clues_status>,
        survey_size: Option<unsafe extern "C" fn(*mut c_void, u32) -> u64>,
        survey: Option<unsafe extern "C" fn(*mut c_void, *const clues_merge_unit, u32, *mut c_void) -> clues_status>,
        combine: Option<unsafe extern "C" fn(*mut c_void, u32, *mut c_void, *const c_void) -> clues_status>,
        note_size: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
        note: Option<unsafe extern "C" fn(*mut c_void, *const clues_merge_unit, u32, *mut c_void) -> clues_status>,
        merge_rows: Option<unsafe extern "C" fn(
            *mut c_void, *const clues_merge_unit, u64, *const c_void, *const clues_tensor) -> clues_status>,
    }
    CLUES_ROWS_SIZE = 16: clues_rows {
        struct_size: u32,
        reserved: u32,
        read: Option<unsafe extern "C" fn(*const clues_host, u32, u64, u64, *mut f32) -> clues_status>,
    }
    CLUES_NEEDS_SIZE = 32: clues_needs {
        struct_size: u32,
        evidence: u32,
        passes: u32,
        checkpoints: clues_checkpoint_choice,
        reserved: u32,
        column_count: u32,
        columns: *const *const c_char,
    }
    CLUES_COLUMN_SIZE = 24: clues_column {
        struct_size: u32,
        reserved: u32,
        name: *const c_char,
        values: *const f64,
    }
    CLUES_CHECKPOINT_SIZE = 144: clues_checkpoint {
        struct_size: u32,
        alternative: u32,
        client: *const c_char,
        step: u64,
        index: u32,
        count: u32,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
        optimizer_step: f64,
        sample_count: u64,
        splits: *const u32,
        ids: *const *const c_char,
        domain_count: u32,
        own_domain: u32,
        domains: *const *const c_char,
        validation_counts: *const u64,
        validation_norms: *const *const f64,
        tensor_count: u32,
        column_count: u32,
        columns: *const *const clues_column,
    }
    CLUES_GRADIENT_TENSOR_SIZE = 56: clues_gradient_tensor {
        struct_size: u32,
        index: u32,
        name: *const c_char,
        element_count: u64,
        first_moment: *const f32,
        second_moment: *const f32,
        validation_means: *const *const f32,
        validation_samples: *const *const f32,
    }
    CLUES_GRADIENT_ROWS_SIZE = 32: clues_gradient_rows {
        struct_size: u32,
        pass: u32,
        first_sample: u64,
        row_count: u64,
        values: *const f32,
    }
    CLUES_SCORES_SIZE = 32: clues_scores {
        struct_size: u32,
        reserved: u32,
        count: u64,
        values: *mut f64,
        reasons: *mut *const c_char,
    }
    CLUES_COLLECTION_SIZE = 56: clues_collection {
        struct_size: u32,
        client_count: u32,
        clients: *const *const c_char,
        anchors: *const u32,
        adapter_count: u32,
        reserved: u32,
        owners: *const u32,
        steps: *const u64,
        inner_products: *const f64,
    }
    CLUES_SCORER_SIZE = 96: clues_scorer {
        struct_size: u32,
        granularity: clues_granularity,
        about: *const clues_descriptor,
        create: Option<unsafe extern "C" fn(
            *const clues_scorer, *const clues_host, *const clues_parameters, *mut *mut c_void) -> clues_status>,
        destroy: Option<unsafe extern "C" fn(*mut c_void)>,
        needs: Option<unsafe extern "C" fn(*mut c_void, u32, *mut clues_needs) -> clues_status>,
        begin_checkpoint: Option<unsafe extern "C" fn(*mut c_void, *const clues_checkpoint) -> clues_status>,
        begin_tensor: Option<unsafe extern "C" fn(*mut c_void, *const clues_gradient_tensor) -> clues_status>,
        update: Option<unsafe extern "C" fn(*mut c_void, *const clues_gradient_rows) -> clues_status>,
        end_tensor: Option<unsafe extern "C" fn(*mut c_void) -> clues_status>,
        end_checkpoint: Option<unsafe extern "C" fn(*mut c_void, *const clues_scores) -> clues_status>,
        finish: Option<unsafe extern "C" fn(
            *mut c_void, u32, *const *const clues_scores, *const clues_scores) -> clues_status>,
        score_clients: Option<unsafe extern "C" fn(
            *mut c_void, *const clues_collection, *const clues_scores) -> clues_status>,
    }
    CLUES_CLIENT_SCORES_SIZE = 40: clues_client_scores {
        struct_size: u32,
        reserved: u32,
        client: *const c_char,
        count: u64,
        values: *const f64,
        splits: *const u32,
    }
    CLUES_THRESHOLD_RULE_SIZE = 40: clues_threshold_rule {
        struct_size: u32,
        flags: u32,
        about: *const clues_descriptor,
        create: Option<unsafe extern "C" fn(
            *const clues_threshold_rule, *const clues_host, *const clues_parameters, *mut *mut c_void) -> clues_status>,
        destroy: Option<unsafe extern "C" fn(*mut c_void)>,
        decide: Option<unsafe extern "C" fn(
            *mut c_void, u32, *const *const clues_client_scores, *mut f64) -> clues_status>,
    }
    CLUES_PLUGIN_SIZE = 80: clues_plugin {
        struct_size: u32,
        abi_minor: u32,
        name: *const c_char,
        version: *const c_char,
        vendor: *const c_char,
        license: *const c_char,
        merge_method_count: u32,
        scorer_count: u32,
        threshold_rule_count: u32,
        reserved: u32,
        merge_methods: *const *const clues_merge_method,
        scorers: *const *const clues_scorer,
        threshold_rules: *const *const clues_threshold_rule,
    }
}

/// A list of tables or texts in a static.
pub struct List<Item, const COUNT: usize>(pub [*const Item; COUNT]);
unsafe impl<Item, const COUNT: usize> Sync for List<Item, COUNT> {}

/// A text of the contract: a literal, ended by a zero byte. Rust 1.77 writes it c"…"; this compiles with older ones too.
macro_rules! text {
    ($literal:expr) => {
        concat!($literal, "\0").as_ptr() as *const std::os::raw::c_char
    };
}
pub(crate) use text;

/// Whether a text that the host lends is `word`.
///
/// # Safety
/// `text` is a text of the host.
pub unsafe fn says(text: *const c_char, word: &str) -> bool { CStr::from_ptr(text).to_bytes() == word.as_bytes() }

/// Why a call is refused, in one sentence.
pub struct Refusal {
    pub status: clues_status,
    pub text: String,
}

/// Refuses a call.
pub fn refuse<Value>(status: clues_status, text: impl Into<String>) -> Result<Value, Refusal> {
    Err(Refusal { status, text: text.into() })
}

/// Runs a call of the host: what is refused becomes a status and a sentence, and no panic leaves it.
///
/// # Safety
/// `host` is what `create` got.
pub unsafe fn guard(host: *const clues_host, body: impl FnOnce() -> Result<(), Refusal>) -> clues_status {
    let refusal = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return CLUES_OK,
        Ok(Err(refusal)) => refusal,
        Err(_) => Refusal { status: CLUES_INTERNAL, text: "the plugin panicked".to_string() },
    };
    let text = CString::new(refusal.text.replace('\0', "?")).unwrap_or_default();
    ((*host).set_error)(host, text.as_ptr());
    refusal.status
}

/// Stops the work when the user wants to.
///
/// # Safety
/// `host` is what `create` got.
pub unsafe fn check_cancellation(host: *const clues_host) -> Result<(), Refusal> {
    if ((*host).is_cancelled)(host) != 0 { refuse(CLUES_CANCELLED, "cancelled") } else { Ok(()) }
}

/// The parameter of this name; none when nobody set it and it has no default.
///
/// # Safety
/// `parameters` is what `create` got.
pub unsafe fn parameter<'call>(parameters: *const clues_parameters, name: &str) -> Option<&'call clues_parameter> {
    slice((*parameters).items, (*parameters).count as u64)
        .iter()
        .map(|item| &**item)
        .find(|parameter| says(parameter.name, name))
}

/// `count` values that the host lends for a call; a null pointer lends none.
///
/// # Safety
/// As `std::slice::from_raw_parts`, but for null.
pub unsafe fn slice<'call, Value>(start: *const Value, count: u64) -> &'call [Value] {
    if start.is_null() { &[] } else { std::slice::from_raw_parts(start, count as usize) }
}

/// The same for values that the host wants filled in.
///
/// # Safety
/// As `std::slice::from_raw_parts_mut`, but for null.
pub unsafe fn slice_mut<'call, Value>(start: *mut Value, count: u64) -> &'call mut [Value] {
    if start.is_null() { &mut [] } else { std::slice::from_raw_parts_mut(start, count as usize) }
}

/// A matrix of float32 that the host lends for a call.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub rows: i64,
    pub columns: i64,
    row_stride: i64,
    column_stride: i64,
    data: *mut f32,
}

impl Matrix {
    /// # Safety
    /// `tensor` is null or a tensor of the host.
    pub unsafe fn new(tensor: *const clues_tensor) -> Result<Matrix, Refusal> {
        match tensor.as_ref() {
            Some(table) if table.struct_size >= CLUES_TENSOR_SIZE && table.dtype == CLUES_F32 && table.rank == 2 => {
                Ok(Matrix {
                    rows: *table.shape,
                    columns: *table.shape.add(1),
                    row_stride: *table.strides,
                    column_stride: *table.strides.add(1),
                    data: table.data as *mut f32,
                })
            }
            _ => refuse(CLUES_UNSUPPORTED, "a tensor is no matrix of float32"),
        }
    }

    unsafe fn place(&self, row: i64, column: i64) -> *mut f32 {
        assert!((0..self.rows).contains(&row) && (0..self.columns).contains(&column));
        self.data.offset((row * self.row_stride + column * self.column_stride) as isize)
    }

    /// # Safety
    /// The call that lent the matrix still runs.
    pub unsafe fn get(&self, row: i64, column: i64) -> f32 { *self.place(row, column) }

    /// # Safety
    /// The call that lent the matrix still runs, and it is the output.
    pub unsafe fn set(&self, row: i64, column: i64, value: f32) { *self.place(row, column) = value }
}
