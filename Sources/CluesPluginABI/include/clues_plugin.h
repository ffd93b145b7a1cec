/*
 * clues_plugin.h: the contract between Clues and its plugins, version 1.
 *
 * A plugin is a shared library that exports one function, clues_plugin_entry_v1. It returns static tables that describe
 * merge methods, scorers and threshold rules. Nothing is linked: this header is all that a plugin needs.
 * Documentation/PluginABI.md tells the same story with an example.
 *
 * Rules that hold everywhere
 *
 *   Size     Every struct begins with struct_size: the size through the last field that its maker knows (the constants
 *            CLUES_..._SIZE below). Whoever reads a struct refuses one that is too small and ignores what it does not
 *            know at the end. Fields are only ever appended; new behaviour comes as an extension with an id of its own.
 *   Lending  Every pointer is lent for the time of the call, unless its comment says otherwise. Nobody frees what the
 *            other side allocated. Results go into memory that the host provides.
 *   Text     UTF-8, ends with a zero byte.
 *   Errors   A function that returns anything but CLUES_OK has called host->set_error with one sentence before. No C++
 *            exception, Rust panic or Swift trap may leave a plugin.
 *   Threads  [once] runs before anything else and may run again; [instance] runs on any thread, but never twice at once
 *            for the same instance; different instances run at the same time. A plugin starts no thread of its own, and
 *            touches neither files nor standard output.
 *   Enums    Receivers meet values that they do not know: they answer CLUES_UNSUPPORTED, they never trap.
 *
 * Layout is for 64-bit platforms and is compared with Documentation/abi-v1.layout by the tests.
 */
#ifndef CLUES_PLUGIN_H
#define CLUES_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpedantic" /* enums with a fixed type are C23 */
#endif

/* An open enumeration of 32 bits, in every language that reads this header. */
#if defined(__cplusplus)
#define CLUES_ENUM(name) enum name : uint32_t
#elif defined(__clang__)
#define CLUES_ENUM(name) enum name : uint32_t; typedef enum name name; enum name : uint32_t
#else
#define CLUES_ENUM(name) typedef uint32_t name; enum
#endif

/* Keeps the entry visible in a library that hides everything else (-fvisibility=hidden). */
#if defined(__GNUC__)
#define CLUES_EXPORT __attribute__((visibility("default")))
#else
#define CLUES_EXPORT
#endif

/* The major version is part of the entry's name; the minor one grows when fields are appended. */
#define CLUES_ABI_MINOR 0u

CLUES_ENUM(clues_status) {
  CLUES_OK = 0,
  CLUES_CANCELLED = 1,           /* host->is_cancelled said so */
  CLUES_INVALID_ARGUMENT = 2,    /* a parameter or an input makes no sense */
  CLUES_UNSUPPORTED = 3,         /* it makes sense, but not to this plugin */
  CLUES_OUT_OF_MEMORY = 4,
  CLUES_FAILED_PRECONDITION = 5, /* the data cannot be worked on, and the text says why */
  CLUES_INTERNAL = 6             /* a fault of the plugin */
};

CLUES_ENUM(clues_log_level) {
  CLUES_LOG_DEBUG = 0,
  CLUES_LOG_INFO = 1,
  CLUES_LOG_WARNING = 2
};

/* ---------------------------------------------------------------------------------------------------------- tensors */

CLUES_ENUM(clues_dtype) {
  CLUES_F32 = 0,
  CLUES_F64 = 1,
  CLUES_F16 = 2,  /* stored as uint16_t */
  CLUES_BF16 = 3  /* stored as uint16_t */
};

CLUES_ENUM(clues_tensor_flag) {
  CLUES_TENSOR_CONTIGUOUS = 1, /* row-major without gaps: strides may be ignored */
  CLUES_TENSOR_WRITABLE = 2,   /* an output */
  CLUES_TENSOR_ALIGNED64 = 4   /* data lies on a 64-byte boundary; otherwise on a multiple of the element's size */
};

/* A view of a dense array. */
typedef struct clues_tensor {
  uint32_t struct_size;
  clues_dtype dtype;
  uint32_t rank;                       /* at most 8 */
  uint32_t flags;                      /* clues_tensor_flag */
  const int64_t *shape;                /* rank extents */
  const int64_t *strides;              /* in elements */
  void *data;                          /* read only unless CLUES_TENSOR_WRITABLE; may be null without elements */
} clues_tensor;
#define CLUES_TENSOR_SIZE 40u

/* ------------------------------------------------------------------------------------------------------- parameters */

CLUES_ENUM(clues_parameter_type) {
  CLUES_PARAMETER_NUMBER = 0,  /* number */
  CLUES_PARAMETER_INTEGER = 1, /* integer, and the same in number */
  CLUES_PARAMETER_BOOLEAN = 2, /* integer is 0 or 1 */
  CLUES_PARAMETER_TEXT = 3,    /* text */
  CLUES_PARAMETER_NUMBERS = 4  /* numbers[0 ..< count]; for a parameter per input, one for each input in order */
};

CLUES_ENUM(clues_parameter_flag) {
  CLUES_PARAMETER_DEFAULTED = 1 /* nobody set it: it is the default from the schema */
};

/* One parameter, checked against the schema already. A parameter without default that nobody set is left out. */
typedef struct clues_parameter {
  uint32_t struct_size;
  clues_parameter_type type;
  uint32_t flags; /* clues_parameter_flag */
  uint32_t count;
  const char *name;
  double number;
  int64_t integer;
  const char *text;
  const double *numbers;
} clues_parameter;
#define CLUES_PARAMETER_SIZE 56u

typedef struct clues_parameters {
  uint32_t struct_size;
  uint32_t count;
  const clues_parameter *const *items; /* ordered by name */
} clues_parameters;
#define CLUES_PARAMETERS_SIZE 16u

/* ------------------------------------------------------------------------------------------------------------- host */

/* What the host offers to an instance. Valid from create to the end of destroy. All functions: [instance]. */
typedef struct clues_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void *context; /* the host's own */

  void (*log)(const struct clues_host *host, clues_log_level level, const char *text);

  /* Why the call is about to fail, in one sentence; copied. The last one before the return counts. */
  void (*set_error)(const struct clues_host *host, const char *text);

  /* Nonzero once the user wants to stop. Ask every few milliseconds; then return CLUES_CANCELLED. */
  uint32_t (*is_cancelled)(const struct clues_host *host);

  /* Memory for this call, freed when it returns; alignment is a power of two. Null when there is none left. */
  void *(*scratch)(const struct clues_host *host, uint64_t size, uint64_t alignment);

  /* Words offset ..< offset + count of a random stream. They depend on stream and position alone. */
  void (*random_words)(const struct clues_host *host, uint64_t stream, uint64_t offset, uint64_t count,
                       uint64_t *words);

  /* The function table of an extension such as "clues.example/1", or null. */
  const void *(*extension)(const struct clues_host *host, const char *id);
} clues_host;
#define CLUES_HOST_SIZE 64u

/* ------------------------------------------------------------------------------------------------------ description */

CLUES_ENUM(clues_descriptor_flag) {
  CLUES_ALTERNATIVES_AGREE = 1 /* of a scorer: all its needs lead to the same scores */
};

/* Who an entry is; static. */
typedef struct clues_descriptor {
  uint32_t struct_size;
  uint32_t flags; /* clues_descriptor_flag; unknown bits are ignored */
  const char *id; /* as recipes name it: lower case letters, digits, '-', '.'; never used for anything else again */
  const char *summary;                   /* one sentence */
  const char *details;    /* paragraphs for `clues plugins show` */
  const char *reference;  /* where the method comes from */

  /*
   * The parameters as the "properties" of a JSON Schema: {"density": {"type": "number", "default": 0.2, "minimum": 0,
   * "maximum": 1, "description": "…"}, …}. Keywords: type (number, integer, boolean, string), default, enum, minimum,
   * maximum, exclusiveMinimum, exclusiveMaximum, description, unit, perInput (true: one value for each input; arrives
   * as CLUES_PARAMETER_NUMBERS). Null means no parameters.
   */
  const char *parameters;
} clues_descriptor;
#define CLUES_DESCRIPTOR_SIZE 48u

/* ---------------------------------------------------------------------------------------------------- merge methods */

/* What a merge method is applied to; bits of clues_merge_method.spaces. */
CLUES_ENUM(clues_space) {
  CLUES_SPACE_STACK = 1,  /* nothing but coefficients: the sum is exact */
  CLUES_SPACE_CORE = 2,   /* the deltas in a common small basis */
  CLUES_SPACE_DELTA = 4,  /* the dense deltas */
  CLUES_SPACE_FACTORS = 8 /* A and B apart, in two calls */
};

CLUES_ENUM(clues_part) {
  CLUES_PART_WHOLE = 0,
  CLUES_PART_A = 1,
  CLUES_PART_B = 2
};

CLUES_ENUM(clues_merge_flag) {
  CLUES_MERGE_WANTS_INNER_PRODUCTS = 1,         /* fill unit->inner_products */
  CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS = 2, /* fill unit->adapter_inner_products */
  CLUES_MERGE_READS_ROWS = 4,  /* note reads rows by the extension CLUES_EXTENSION_ROWS where a value has no data */
  CLUES_MERGE_SURVEYS_ROWS = 8 /* survey may get a unit piece by piece, some rows of all inputs at a time */
};

/* One client's share in a unit. */
typedef struct clues_merge_input {
  uint32_t struct_size;
  uint32_t index; /* of the client among all clients of the merge; a unit may lack some of them */
  const char *client;
  double weight;   /* in factors: the signed root that this part carries */
  uint64_t stream; /* random stream of seed, client, module and part */
  const clues_tensor *value; /* rank 2, the same shape for all inputs; null for coefficients */
} clues_merge_input;
#define CLUES_MERGE_INPUT_SIZE 40u

/* One module (or one factor of it) of all clients that have it. */
typedef struct clues_merge_unit {
  uint32_t struct_size;
  clues_space space;
  const char *module;
  clues_part part;
  uint32_t input_count;
  const clues_merge_input *const *inputs;
  const double *inner_products;         /* <delta i, delta j> of this module, input_count squared */
  const double *adapter_inner_products; /* the same summed over all modules */
  const void *survey;   /* the combined records of the passes so far, survey_size bytes each; null without survey */
  uint64_t survey_size; /* what survey_size said */
} clues_merge_unit;
#define CLUES_MERGE_UNIT_SIZE 64u

/*
 * A function from n matrices of one shape and n weights to one matrix of that shape; it never sees LoRA.
 *
 * A method offers coefficients, merge, or both. If coefficients is there, the result is the sum of coefficient times
 * input: the host works it out exactly, in any space and without dense matrices. Otherwise merge is called.
 *
 * A method that must see the whole adapter first declares survey_passes: before any merge, the host shows every unit to
 * survey, in every pass, and folds the records with combine in a fixed order. Records are plain bytes, zero at first, on
 * a 64-byte boundary (the first of several). survey_size is asked before: it gets the number of all clients of the merge and is the same for
 * all instances of a merge, but for those that answer 0 because their parameters need no survey: they take no part.
 * Methods with coefficients have inner products and no survey.
 *
 * A method may say that a row of its result depends on that row of the inputs alone, once every input has been looked at by
 * itself, and then offers note_size, note and merge_rows beside merge. In spaces other than core the host then shows each
 * input to note by itself, and lets merge_rows merge some rows of all inputs at a time. What comes out has the bits of
 * merge. A note is plain bytes, zero at first, on a 64-byte boundary (the first of several), and holds all that merge_rows
 * must know of the input's other rows; other instances with the same parameters read it.
 *
 * To note an input is shown whole, unless the method has CLUES_MERGE_READS_ROWS: then its value may have a shape and null for
 * data, for the matrix is nowhere as a whole, and note reads the rows that it wants to see, as often as it wants.
 *
 * An instance serves the units that share its parameters.
 */
typedef struct clues_merge_method {
  uint32_t struct_size;
  uint32_t flags; /* clues_merge_flag */
  const clues_descriptor *about;
  uint32_t minimum_inputs;
  uint32_t maximum_inputs; /* 0: any number */
  uint32_t spaces;         /* those in which the method means something */
  clues_space default_space;
  uint32_t dtypes;         /* bits 1 << clues_dtype that merge takes; the host converts. CLUES_F32 must be among them */
  uint32_t survey_passes;

  /*
   * A new instance for these parameters; this entry comes first, so that several may share one function. A method that
   * keeps nothing may leave null. After a failure the host forgets what stands in instance; null is never destroyed.
   */
  clues_status (*create)(const struct clues_merge_method *method, const clues_host *host,
                         const clues_parameters *parameters, void **instance);
  void (*destroy)(void *instance);

  /* input_count numbers into coefficients. [instance] */
  clues_status (*coefficients)(void *instance, const clues_merge_unit *unit, double *coefficients);

  /* The merged matrix into output, which has the shape and dtype of the inputs and overlaps none. [instance] */
  clues_status (*merge)(void *instance, const clues_merge_unit *unit, const clues_tensor *output);

  uint64_t (*survey_size)(void *instance, uint32_t input_count);
  clues_status (*survey)(void *instance, const clues_merge_unit *unit, uint32_t pass, void *record);
  clues_status (*combine)(void *instance, uint32_t pass, void *into, const void *other);

  /* Bytes of a note, the same for all units of an instance; 0 when its parameters ask for merge. [instance] */
  uint64_t (*note_size)(void *instance);
  /* Looks at inputs[input], whose value is whole or to be read; the others have none. [instance] */
  clues_status (*note)(void *instance, const clues_merge_unit *unit, uint32_t input, void *note);
  /* Merges the rows from first_row on: values and output hold these rows only. input_count notes, one after the other,
     in the order of the inputs. [instance] */
  clues_status (*merge_rows)(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                             const clues_tensor *output);
} clues_merge_method;
#define CLUES_MERGE_METHOD_SIZE 120u

/* The extension by which note reads rows: const clues_rows *rows = host->extension(host, CLUES_EXTENSION_ROWS). */
#define CLUES_EXTENSION_ROWS "clues.rows/1"

typedef struct clues_rows {
  uint32_t struct_size;
  uint32_t reserved;
  /* Writes rows first_row ..< first_row + row_count of inputs[input] of the unit that note works on to target, one after the
     other without gaps, as float32. What is not CLUES_OK is to be answered by note. Only during note. */
  clues_status (*read)(const clues_host *host, uint32_t input, uint64_t first_row, uint64_t row_count, float *target);
} clues_rows;
#define CLUES_ROWS_SIZE 16u

/* ---------------------------------------------------------------------------------------------------------- scorers */

CLUES_ENUM(clues_split) {
  CLUES_SPLIT_TRAIN = 0,
  CLUES_SPLIT_ANCHOR = 1
};

/* What a scorer may ask for beside columns. */
CLUES_ENUM(clues_evidence) {
  CLUES_EVIDENCE_GRADIENTS = 1,          /* the raw gradient of every sample, in blocks of rows */
  CLUES_EVIDENCE_MOMENTS = 2,            /* Adam's moments of the client at the checkpoint */
  CLUES_EVIDENCE_VALIDATION_MEANS = 4,   /* the mean raw validation gradient of every domain */
  CLUES_EVIDENCE_VALIDATION_SAMPLES = 8, /* every validation gradient */
  CLUES_EVIDENCE_LEARNING_RATE = 16,     /* the mean logged learning rate of the last epoch */
  CLUES_EVIDENCE_ADAPTERS = 32           /* inner products of all checkpoints' deltas: for scorers of clients */
};

CLUES_ENUM(clues_checkpoint_choice) {
  CLUES_CHECKPOINTS_ALL = 0,
  CLUES_CHECKPOINTS_LAST = 1
};

CLUES_ENUM(clues_granularity) {
  CLUES_SCORES_SAMPLES = 0,
  CLUES_SCORES_CLIENTS = 1
};

/* One way to come by a score; filled in by the plugin, pointers live until destroy. */
typedef struct clues_needs {
  uint32_t struct_size;
  uint32_t evidence;                /* clues_evidence */
  uint32_t passes;                  /* how often the rows of each tensor are shown; 0 without gradients */
  clues_checkpoint_choice checkpoints;
  uint32_t reserved;
  uint32_t column_count;
  /* Columns such as "loss"; "dot.*" is one column for each validation domain, named "dot.medical" and so on. */
  const char *const *columns;
} clues_needs;
#define CLUES_NEEDS_SIZE 32u

/* One number a sample; NaN where the evidence has none. */
typedef struct clues_column {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  const double *values;
} clues_column;
#define CLUES_COLUMN_SIZE 24u

/* One client at one checkpoint. Pointers live until end_checkpoint returns. */
typedef struct clues_checkpoint {
  uint32_t struct_size;
  uint32_t alternative; /* which of its needs the scorer gets */
  const char *client;
  uint64_t step;
  uint32_t index; /* of this checkpoint among those that are scored, in step order */
  uint32_t count;
  double learning_rate; /* NaN when not asked for */
  double beta1;         /* as the optimizer's file says; NaN without moments */
  double beta2;
  double epsilon;
  double optimizer_step; /* NaN also where parameters differ in it */
  uint64_t sample_count;
  const uint32_t *splits;                  /* clues_split of every sample */
  const char *const *ids;   /* of every sample */
  uint32_t domain_count;
  uint32_t own_domain; /* index of the client's own domain, or UINT32_MAX when no validation set bears it */
  const char *const *domains;
  const uint64_t *validation_counts;       /* validation samples of every domain */
  const double *const *validation_norms; /* of every domain: the norm of each gradient */
  uint32_t tensor_count;
  uint32_t column_count;
  const clues_column *const *columns;
} clues_checkpoint;
#define CLUES_CHECKPOINT_SIZE 144u

/* One LoRA parameter, elements flattened row-major. Pointers live until end_tensor returns. */
typedef struct clues_gradient_tensor {
  uint32_t struct_size;
  uint32_t index;
  const char *name; /* as in adapter_model.safetensors */
  uint64_t element_count;
  const float *first_moment;
  const float *second_moment;
  const float *const *validation_means;   /* of every domain: element_count */
  const float *const *validation_samples; /* of every domain: count × element_count */
} clues_gradient_tensor;
#define CLUES_GRADIENT_TENSOR_SIZE 56u

/* The gradients of some samples with respect to the current tensor: row_count × element_count, row-major. */
typedef struct clues_gradient_rows {
  uint32_t struct_size;
  uint32_t pass;
  uint64_t first_sample;
  uint64_t row_count;
  const float *values;
} clues_gradient_rows;
#define CLUES_GRADIENT_ROWS_SIZE 32u

/* Where scores go. A sample that cannot be scored gets a reason (static, or living until destroy) and no value. */
typedef struct clues_scores {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t count;
  double *values;
  const char **reasons; /* null at first: scored */
} clues_scores;
#define CLUES_SCORES_SIZE 32u

/* All adapters of all clients, for scorers of clients. */
typedef struct clues_collection {
  uint32_t struct_size;
  uint32_t client_count;
  const char *const *clients;
  const uint32_t *anchors;    /* of every client: 1 if it was trained on anchor data, else 0 */
  uint32_t adapter_count;
  uint32_t reserved;
  const uint32_t *owners;     /* of every adapter: its client */
  const uint64_t *steps;      /* of every adapter: its step; ordered by owner, then step */
  const double *inner_products; /* <delta i, delta j> summed over modules, adapter_count squared */
} clues_collection;
#define CLUES_COLLECTION_SIZE 56u

/*
 * A function from a client's evidence to one number a sample, higher is better.
 *
 * The host makes one instance a client and calls, for each checkpoint in step order: begin_checkpoint; for each tensor
 * begin_tensor, update for every block of rows (in sample order, all blocks of pass 0, then of pass 1, …), end_tensor;
 * then end_checkpoint for the scores at this checkpoint; at last finish. Without gradients no tensor is shown.
 * A scorer of clients gets one score_clients instead.
 */
typedef struct clues_scorer {
  uint32_t struct_size;
  clues_granularity granularity;
  const clues_descriptor *about;

  /* A new instance for these parameters; this entry comes first, so that several may share one function. */
  clues_status (*create)(const struct clues_scorer *scorer, const clues_host *host,
                         const clues_parameters *parameters, void **instance);
  void (*destroy)(void *instance);

  /*
   * What it needs: alternative 0 is the best one; CLUES_UNSUPPORTED (without text) where there is no such one. The host
   * takes the first that all clients meet; with CLUES_ALTERNATIVES_AGREE, for each client the first that this one meets.
   */
  clues_status (*needs)(void *instance, uint32_t alternative, clues_needs *needs);

  clues_status (*begin_checkpoint)(void *instance, const clues_checkpoint *checkpoint);
  clues_status (*begin_tensor)(void *instance, const clues_gradient_tensor *tensor);
  clues_status (*update)(void *instance, const clues_gradient_rows *rows);
  clues_status (*end_tensor)(void *instance);
  clues_status (*end_checkpoint)(void *instance, const clues_scores *scores);

  /* The scores over all checkpoints, given those at each. */
  clues_status (*finish)(void *instance, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                         const clues_scores *scores);

  clues_status (*score_clients)(void *instance, const clues_collection *collection, const clues_scores *scores);
} clues_scorer;
#define CLUES_SCORER_SIZE 96u

/* -------------------------------------------------------------------------------------------------- threshold rules */

/* The scored samples of one client. */
typedef struct clues_client_scores {
  uint32_t struct_size;
  uint32_t reserved;
  const char *client;
  uint64_t count;
  const double *values;
  const uint32_t *splits; /* clues_split */
} clues_client_scores;
#define CLUES_CLIENT_SCORES_SIZE 40u

/* A function from all scores to a threshold for every client; a sample is kept when its score is at least that. */
typedef struct clues_threshold_rule {
  uint32_t struct_size;
  uint32_t flags; /* none yet: 0 */
  const clues_descriptor *about;
  /* A new instance for these parameters; this entry comes first, so that several may share one function. */
  clues_status (*create)(const struct clues_threshold_rule *rule, const clues_host *host,
                         const clues_parameters *parameters, void **instance);
  void (*destroy)(void *instance);

  /* client_count numbers into thresholds: the same one for all, unless the rule is made to differ. [instance] */
  clues_status (*decide)(void *instance, uint32_t client_count, const clues_client_scores *const *clients,
                         double *thresholds);
} clues_threshold_rule;
#define CLUES_THRESHOLD_RULE_SIZE 40u

/* ------------------------------------------------------------------------------------------------------------ entry */

/* What a library holds; static. */
typedef struct clues_plugin {
  uint32_t struct_size;
  uint32_t abi_minor; /* CLUES_ABI_MINOR of the header it was built with */
  const char *name;   /* of the library */
  const char *version; /* semantic; a new major number when results change */
  const char *vendor;
  const char *license;
  uint32_t merge_method_count;
  uint32_t scorer_count;
  uint32_t threshold_rule_count;
  uint32_t reserved;
  const clues_merge_method *const *merge_methods;
  const clues_scorer *const *scorers;
  const clues_threshold_rule *const *threshold_rules;
} clues_plugin;
#define CLUES_PLUGIN_SIZE 80u

#define CLUES_PLUGIN_ENTRY "clues_plugin_entry_v1"

/*
 * The one exported symbol. Pure: no allocation that the host could see, no threads, no files; the same pointer each
 * time, valid for the life of the process. Null refuses a host that is too old. [once]
 */
CLUES_EXPORT const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor);

/* ----------------------------------------------------------------------------------------------------- layout check */

#if defined(__cplusplus)
#define CLUES_STATIC_ASSERT static_assert
#else
#define CLUES_STATIC_ASSERT _Static_assert
#endif

/* Every struct is as large as its constant says: nothing hides in padding. */
CLUES_STATIC_ASSERT(sizeof(void *) == 8, "the layout is that of 64-bit platforms");
CLUES_STATIC_ASSERT(sizeof(clues_tensor) == CLUES_TENSOR_SIZE, "clues_tensor");
CLUES_STATIC_ASSERT(sizeof(clues_parameter) == CLUES_PARAMETER_SIZE, "clues_parameter");
CLUES_STATIC_ASSERT(sizeof(clues_parameters) == CLUES_PARAMETERS_SIZE, "clues_parameters");
CLUES_STATIC_ASSERT(sizeof(clues_host) == CLUES_HOST_SIZE, "clues_host");
CLUES_STATIC_ASSERT(sizeof(clues_descriptor) == CLUES_DESCRIPTOR_SIZE, "clues_descriptor");
CLUES_STATIC_ASSERT(sizeof(clues_merge_input) == CLUES_MERGE_INPUT_SIZE, "clues_merge_input");
CLUES_STATIC_ASSERT(sizeof(clues_merge_unit) == CLUES_MERGE_UNIT_SIZE, "clues_merge_unit");
CLUES_STATIC_ASSERT(sizeof(clues_merge_method) == CLUES_MERGE_METHOD_SIZE, "clues_merge_method");
CLUES_STATIC_ASSERT(sizeof(clues_rows) == CLUES_ROWS_SIZE, "clues_rows");
CLUES_STATIC_ASSERT(sizeof(clues_needs) == CLUES_NEEDS_SIZE, "clues_needs");
CLUES_STATIC_ASSERT(sizeof(clues_column) == CLUES_COLUMN_SIZE, "clues_column");
CLUES_STATIC_ASSERT(sizeof(clues_checkpoint) == CLUES_CHECKPOINT_SIZE, "clues_checkpoint");
CLUES_STATIC_ASSERT(sizeof(clues_gradient_tensor) == CLUES_GRADIENT_TENSOR_SIZE, "clues_gradient_tensor");
CLUES_STATIC_ASSERT(sizeof(clues_gradient_rows) == CLUES_GRADIENT_ROWS_SIZE, "clues_gradient_rows");
CLUES_STATIC_ASSERT(sizeof(clues_scores) == CLUES_SCORES_SIZE, "clues_scores");
CLUES_STATIC_ASSERT(sizeof(clues_collection) == CLUES_COLLECTION_SIZE, "clues_collection");
CLUES_STATIC_ASSERT(sizeof(clues_scorer) == CLUES_SCORER_SIZE, "clues_scorer");
CLUES_STATIC_ASSERT(sizeof(clues_client_scores) == CLUES_CLIENT_SCORES_SIZE, "clues_client_scores");
CLUES_STATIC_ASSERT(sizeof(clues_threshold_rule) == CLUES_THRESHOLD_RULE_SIZE, "clues_threshold_rule");
CLUES_STATIC_ASSERT(sizeof(clues_plugin) == CLUES_PLUGIN_SIZE, "clues_plugin");

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif
