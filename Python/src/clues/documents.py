"""Every JSON document that the commands print or write, as dataclasses.

The annotations say what the members are; ``tools/schemas.py`` makes the JSON Schemas of
``Documentation/schemas`` of them. Members that may be missing have a default; those that may be null say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated as A
from typing import Any, ClassVar, Literal

from .decoding import WIDE

Json = Any
Wide = A[float, WIDE]
Severity = Literal["info", "warning"]


# What every command says.


@dataclass(frozen=True)
class Note:
    """What the user should know although it is no error."""

    severity: A[Severity, "How much it matters."]
    text: A[str, "A sentence."]


@dataclass(frozen=True)
class ProgressEvent:
    """One line of standard error under `--progress json`."""

    SCHEMA: ClassVar[str] = "clues/progress/1"
    type: A[str, "begin, advance and end of a stage; warning, log and error. More may come."]
    stage: A[str | None, "The stage, of begin, advance and end."] = None
    unit: A[str | None, "What is counted: bytes, clients, samples, modules, draws."] = None
    done: A[int | None, "How much is done."] = None
    total: A[int | None, "How much there is; null where nobody knows."] = None
    seconds: A[float | None, "Seconds since the stage began."] = None
    message: A[str | None, "The sentence of a warning, a log entry or an error."] = None
    kind: A[str | None, "The kind of an error."] = None
    exit_code: A[int | None, "The exit code that the kind has."] = None
    advice: A[str | None, "What can be done about an error."] = None
    file: A[str | None, "The file that an error is about."] = None
    line: A[int | None, "The line in the file, counted from 1."] = None
    column: A[int | None, "The column in the line, counted from 1."] = None
    client: A[str | None, "The client that an error is about."] = None
    tensor: A[str | None, "The tensor that an error is about."] = None
    loss: A[float | None, "The loss of the last step, of a training's advance and end."] = None
    tokens_per_second: A[float | None, "A training's speed."] = None


# Runs.


@dataclass(frozen=True)
class OpenBLAS:
    """The library of linear algebra, on which the last bits of results depend."""

    version: A[str | None, "Its version."]
    core: A[str, "The processor whose kernels are used."]
    found: A[str, "The processor that OpenBLAS took this one for."]
    chosen_by: A[str, "Who chose the kernels: openblas, clues or OPENBLAS_CORETYPE."]


@dataclass(frozen=True)
class RunInput:
    """A bundle that went into a run."""

    name: A[str, "The client."]
    path: A[str, "Where the bundle lay, as the recipe has it."]
    sha256: A[str, "The digest of what was read."]


@dataclass(frozen=True)
class IntRange:
    """A range of whole numbers, ends included."""

    smallest: int
    largest: int


@dataclass(frozen=True)
class FloatRange:
    """A range of numbers, ends included."""

    smallest: float
    largest: float


@dataclass(frozen=True)
class LeavingOut:
    """How the merge of the others agrees with the rest, with a client and without it."""

    with_: A[float | None, "With the client."]
    without: A[float | None, "Without it."]


@dataclass(frozen=True)
class Suspicion:
    """What speaks against a client."""

    score: A[float | None, "How far it stands out; null where there are too few clients."]
    reasons: A[list[str], "What accuses it, in sentences."]
    remarks: A[list[str], "What is told and accuses nobody."]
    median_cosine: A[float | None, "The median of its cosines with the others."]
    leaving_out: A[LeavingOut | None, "What leaving it out does; null where there are too few clients."]


@dataclass(frozen=True)
class RunClient:
    """A client's part in a merge."""

    name: A[str, "The client."]
    path: A[str, "Where its bundle lay."]
    sha256: A[str, "The digest of what was read."]
    weight: A[float, "Its weight in the merge."]
    checkpoint: A[int | None, "The step that the adapter is from; null for a final one."]
    rank: A[IntRange, "The ranks of its modules."]
    modules: A[int, "How many modules it adapts."]
    norm: A[float | None, "The length of its update."] = None
    cosine_with_result: A[float | None, "The cosine of its update and the merged one."] = None
    cosine_with_others: A[float | None, "The cosine of its update and the mean of the others."] = None
    coefficient: A[FloatRange | None, "The factors it went in with, where the merge is a weighted sum."] = None
    stands_out: A[list[str], "In what it stands out among the clients."] = field(default_factory=list)
    suspicion: A[Suspicion | None, "What speaks against it."] = None


@dataclass(frozen=True)
class PluginVersion:
    """A library of plugins that was used."""

    library: A[str, "Its name."]
    version: A[str, "Its version."]
    sha256: A[str, "The digest of its file."]


@dataclass(frozen=True)
class ScorerSettings:
    """A scorer as it was used."""

    scorer: A[str, "The scorer."]
    name: A[str, "The name that its scores bear."]
    version: A[str, "Its version."]
    parameters: A[dict[str, Json], "Its parameters, defaults included."]
    weight: A[float, "Its weight where scores are combined."]
    side: A[str | None, "Which side of the anchors counts as falling short, where scores are combined so."] = None
    anchor_mean: A[float | None, "The mean of the anchors' scores, where scores are combined."] = None
    anchor_deviation: A[float | None, "The standard deviation of the anchors' scores."] = None
    anchor_deviation_between_clients: A[float | None, "The standard deviation of the clients' means."] = None


@dataclass(frozen=True)
class AnchorFigures:
    """The scores of anchors in figures."""

    count: A[int, "How many there are."]
    mean: A[float | None, "Their mean."]
    deviation: A[float | None, "Their standard deviation."]
    standard_error: A[float | None, "The standard error of the mean."]


@dataclass(frozen=True)
class Stretch:
    """How much a client's anchors change the scale of a scorer."""

    scorer: A[str, "The scorer."]
    factor: A[float | None, "The factor."]


@dataclass(frozen=True)
class AnchorInfluence:
    """What a client's anchors do to the threshold of the others."""

    threshold_without: A[Wide | None, WIDE, "The threshold without them."]
    deviations: A[float | None, "How far they move it, in standard deviations of the others' anchors."]
    decisions: A[int, "How many of the others' decisions they turn."]
    of: A[int, "How many decisions the others have."]
    stretch: A[Stretch | None, "The scorer whose scale they change most."]


@dataclass(frozen=True)
class ResampledClient:
    """What other anchors would change for a client."""

    client: A[str, "The client."]
    threshold: A[list[float] | None, "The ends of the interval of thresholds."]
    deviations: A[list[float] | None, "The same in standard deviations of the anchors from their mean."]
    unsure: A[int, "Samples that are decided otherwise in more than one draw in ten."]
    of: A[int, "Samples in all."]


@dataclass(frozen=True)
class Resampling:
    """One way of drawing anew."""

    drawn: A[str, "What is drawn: anchors, clients, samples."]
    more: A[int, "How many more of them are drawn than there are."]
    failed: A[int, "Draws on which the rule gave no threshold."]
    threshold: A[list[float] | None, "The ends of the interval of thresholds."]
    deviations: A[list[float] | None, "The same in standard deviations of the anchors from their mean."]
    unsure: A[int, "Samples that are decided otherwise in more than one draw in ten."]
    of: A[int, "Samples in all."]
    clients: A[list[ResampledClient], "The same for each client."]


@dataclass(frozen=True)
class Bootstrap:
    """How sure a threshold is."""

    draws: A[int, "How often was drawn."]
    seed: A[int, "Where the random numbers start."]
    interval: A[list[float], "The quantiles that intervals reach from and to."]
    steady_share: A[float, "The share of draws in which a sure decision comes out the same."]
    resamplings: A[list[Resampling], "The ways of drawing."]


@dataclass(frozen=True)
class ClientSelection:
    """What is kept of a client's samples."""

    client: A[str, "The client."]
    threshold: A[Wide, WIDE, "Its threshold: what scores at least that is kept."]
    anchors: A[AnchorFigures, "Its anchors' scores."]
    anchor_offset: A[float | None, "How far their mean lies from that of all anchors."]
    kept: A[int, "How many samples are kept."]
    scored: A[int, "How many have a score."]
    unscored: A[int, "How many have none, which are not kept."]
    kept_share: A[float, "The share of its samples that is kept."]
    unscored_anchors: A[int, "How many anchors have no score."]
    short_of: A[dict[str, int], "By which scorer dropped samples fall short most, and how many."]
    influence: A[AnchorInfluence | None, "What its anchors do to the threshold of the others."]


@dataclass(frozen=True)
class Selection:
    """Which samples are kept, in figures: what `clues select --json` prints."""

    rule: A[str, "The threshold rule."]
    parameters: A[dict[str, Json], "Its parameters, defaults included."]
    calibrate: A[Literal["none", "client"], "Whether each client's scores were put on the scale of its anchors first."]
    anchors: A[AnchorFigures, "The scores of all anchors."]
    remarks: A[list[str], "What the rule says of its threshold."]
    bootstrap: A[Bootstrap | None, "How sure the threshold is; null where nothing was drawn."]
    clients: A[list[ClientSelection], "The clients by name."]


@dataclass(frozen=True)
class RankLayout:
    """How the ranks of modules go together in the merged adapter."""

    style: A[Literal["uniform", "exact"], "One rank for all modules, or each its own."]
    rank: A[int, "The adapter's `r`."]
    smallest: A[int, "The smallest rank of a module."]
    largest: A[int, "The largest."]
    cost_of_uniform: A[float, "The share of parameters that one rank for all adds."]


@dataclass(frozen=True)
class ModuleFigures:
    """One module of a merge in figures."""

    module: A[str, "The module's path in the base model."]
    clients: A[list[str], "The clients that adapt it."]
    input_ranks: A[list[int], "Their ranks."]
    coverage: A[float, "The share of the clients' weights that adapts it."]
    input_norms: A[list[float], "The lengths of their updates."]
    cosines: A[list[list[float | None]] | None, "The cosines of their updates with each other."]
    sign_conflict: A[float | None, "The share of entries whose signs disagree."]
    coefficients: A[list[float] | None, "The factors they went in with, where the merge is a weighted sum."]
    rank: A[int, "The rank of the result."]
    norm: A[float, "The length of the result."]
    energy: A[float, "The square of that length."]
    discarded_energy: A[float, "The energy that compression left out."]


@dataclass(frozen=True)
class ReplacedTensor:
    """A tensor that replaces one of the base model's."""

    tensor: A[str, "Its name."]
    clients: A[list[str], "The clients it is from."]


@dataclass(frozen=True)
class LeftOutTensors:
    """Replaced tensors that did not go into the result."""

    client: A[str, "The client they are from."]
    tensors: A[list[str], "Their names."]


@dataclass(frozen=True)
class Replaced:
    """What became of tensors that replace the base model's."""

    policy: A[str, "The policy."]
    tensors: A[list[ReplacedTensor], "Those in the result."]
    left_out: A[list[LeftOutTensors], "Those that are not."]


@dataclass(frozen=True)
class MergeFigures:
    """A merge in figures."""

    method: A[str, "The merge method."]
    space: A[str, "What it was applied to: stack, core, delta or factors."]
    dtype: A[str, "The type of the result."]
    parameters: A[dict[str, Json], "The method's parameters, defaults included."]
    replaced: A[Replaced | None, "What became of tensors that replace the base model's."]
    discarded_share: A[float | None, "The share of energy that compression left out."]
    sign_conflict: A[float | None, "The share of entries whose signs disagree."]
    shared_modules: A[int, "Modules that all clients adapt."]
    cosines: A[list[list[float | None]], "The cosines of the clients' updates with each other."]
    compared_modules: A[int, "Modules that the cosines are over."]
    rank_layout: A[RankLayout | None, "The ranks of the result."]
    modules: A[list[ModuleFigures], "Every module."]


@dataclass(frozen=True)
class RunRecord:
    """The record of a run: `clues/run.json`, and what `clues merge --json` and `clues run --json` print."""

    SCHEMA: ClassVar[str] = "clues/run/1"
    version: A[str, "The version of Clues."]
    openblas: A[OpenBLAS, "The library of linear algebra."]
    recipe: A[dict[str, Json], "The recipe with every default; see recipe.schema.json."]
    bundles: A[list[RunInput], "All bundles that were read, anchors' included."]
    clients: A[list[RunClient], "The clients of the merge by name."]
    plugins: A[list[PluginVersion], "The libraries of plugins that were used."]
    scorers: A[list[ScorerSettings], "The scorers that were used."]
    combine: A[str | None, "How their scores were combined."]
    selection: A[Selection | None, "Which samples are kept; null where nothing was scored or selected."]
    merge: A[MergeFigures | None, "The merge; null where nothing was merged."]
    notes: A[list[Note], "What was told while it ran."]
    seconds: A[dict[str, float], "Seconds of every stage."]


@dataclass(frozen=True)
class PlannedClient:
    """A client's part in a merge that is planned."""

    name: A[str, "The client."]
    weight: A[float, "Its weight."]
    modules: A[int, "How many modules it adapts."]
    ranks: A[list[int], "The ranks that its modules have."]
    parameters: A[int, "How many numbers its adapter holds."]


@dataclass(frozen=True)
class RunPlan:
    """What a run would do: `--dry-run --json`."""

    SCHEMA: ClassVar[str] = "clues/plan/1"
    method: A[str, "The merge method."]
    space: A[str, "What it is applied to."]
    dtype: A[str, "The type of the result."]
    clients: A[list[PlannedClient], "The clients by name."]
    modules: A[list[str], "The modules of the result."]
    partial: A[list[str], "The modules that some clients lack."]


# Scores.


@dataclass(frozen=True)
class ScoreRow:
    """A line of `scores.jsonl`: one sample."""

    client: A[str, "The client."]
    split: A[Literal["train", "anchor"], "Whether it is to be scored, or known to be good."]
    id: A[str, "The sample."]
    domain: A[str | None, "Its domain."]
    score: A[float | None, "Its score, higher is better; null where it has none."]
    kept: A[bool | None, "Whether it is kept; null as long as nothing was selected, and of anchors."]
    checkpoints: A[dict[str, float | None], "Its scores at the checkpoints, where scorers tell them."] = field(
        default_factory=dict
    )
    scores: A[dict[str, float | None], "Its scores by each scorer, where several are combined."] = field(
        default_factory=dict
    )
    shortfalls: A[dict[str, float], "By how much it falls short by each scorer."] = field(default_factory=dict)
    short_of: A[str | None, "The scorer by which a dropped sample falls short most."] = None
    reason: A[str | None, "Why it has no score."] = None


@dataclass(frozen=True)
class Evidence:
    """What the scores of a client stand on."""

    anchor_ids: A[str | None, "A digest of the ids of its anchors."] = None
    domains: A[list[str] | None, "The domains of its validation sets."] = None
    validation: A[dict[str, Json] | None, "Digests of its validation sets."] = None


@dataclass(frozen=True)
class ScoringOrigin:
    """How scores came about: `scores.origin.json`."""

    SCHEMA: ClassVar[str] = "clues/scoring/1"
    scores_sha256: A[str, "The digest of the file of scores."]
    scorers: A[list[ScorerSettings], "The scorers."]
    combine: A[str | None, "How their scores were combined."]
    evidence: A[dict[str, Evidence], "What they stand on, by client."]


@dataclass(frozen=True)
class ThresholdFile:
    """A threshold that was decided, for clients to apply: `threshold.json`."""

    SCHEMA: ClassVar[str] = "clues/threshold/1"
    rule: A[str, "The threshold rule."]
    parameters: A[dict[str, Json], "Its parameters."]
    threshold: A[Wide | None, WIDE, "The threshold of all clients; null where each has its own."]
    thresholds: A[dict[str, Wide], "The clients' thresholds."]
    calibrate: A[Literal["none", "client"], "Whether scores are put on the scale of the client's anchors first."]
    scorers: A[list[ScorerSettings], "The scorers that scores must be of."]
    combine: A[str | None, "How their scores are combined."]
    evidence: A[dict[str, Evidence], "What the threshold stands on, by client."]


@dataclass(frozen=True)
class EvaluationFigures:
    """How well scores tell good samples from bad ones."""

    good: A[int, "Good samples."]
    bad: A[int, "Bad samples."]
    unscored: A[int, "Samples without a score."]
    auroc: A[float | None, "The probability that a good sample scores higher than a bad one."]
    kept: A[int | None, "Samples that are kept, where there is a selection."] = None
    precision: A[float | None, "The share of good ones among the kept."] = None
    recall: A[float | None, "The share of kept ones among the good."] = None
    f1: A[float | None, "The harmonic mean of the two."] = None
    accuracy: A[float | None, "The share of decisions that are right."] = None


@dataclass(frozen=True)
class EvaluationGroup:
    """Bad samples of one kind against all good ones."""

    group: A[str, "The kind."]
    count: A[int, "How many there are."]
    auroc: A[float | None, "The probability that a good sample scores higher than one of these."]


@dataclass(frozen=True)
class Evaluation:
    """Scores and a selection against labels: `clues evaluate --json`."""

    SCHEMA: ClassVar[str] = "clues/evaluation/1"
    all: A[EvaluationFigures, "All clients together."]
    clients: A[dict[str, EvaluationFigures], "Each client."]
    groups: A[list[EvaluationGroup], "The kinds of bad samples."]
    unlabeled: A[int, "Samples without a label."]


# Clients and bundles.


@dataclass(frozen=True)
class VettingRule:
    """When a client stands out."""

    least_clients: A[int, "Fewer clients accuse nobody."]
    deviations: A[float, "So many scaled MADs from the median."]
    least_ratio: A[float, "So many times too long or too short at least."]
    least_drop: A[float, "So much too low a cosine at least."]
    least_module_ratio: A[float, "So many times too long in a single module at least."]


@dataclass(frozen=True)
class VettedModule:
    """How a client differs in a module."""

    module: A[str, "The module."]
    cosine: A[float | None, "The median of its cosines with the others there."]
    others: A[float | None, "The same of the others."]
    norm_ratio: A[float | None, "Its length there by the median of the others."]


@dataclass(frozen=True)
class VettedClient:
    """How suspicious a client's adapter is."""

    rank: A[int, "Its place, the most suspicious first."]
    client: A[str, "The client."]
    norm: A[float, "The length of its update."]
    stands_out: A[list[str], "In what it stands out."]
    suspicion: A[Suspicion, "What speaks against it."]
    cosine_with_others: A[float | None, "The cosine with the mean of the others."]
    cosine_with_result: A[float | None, "The cosine with the average of all."]
    trajectory: A[float | None, "How its steps agree with those of an anchor or of the others."]
    modules: A[list[VettedModule], "How it differs module by module, the largest difference first."]


@dataclass(frozen=True)
class Vetting:
    """Clients ranked by how suspicious their adapters are: `clues vet --json`."""

    SCHEMA: ClassVar[str] = "clues/vetting/1"
    shared_modules: A[int, "Modules that all clients adapt."]
    anchors: A[list[str], "Clients that are anchors."]
    rule: A[VettingRule, "When a client stands out."]
    clients: A[list[VettedClient], "The clients, the most suspicious first."]
    notes: A[list[Note], "What the user should know."]


@dataclass(frozen=True)
class PackedKind:
    """Files of one kind in a bundle."""

    kind: A[str, "The kind."]
    files: A[int, "How many there are."]
    bytes: A[int, "Their size."]


@dataclass(frozen=True)
class PackedFile:
    """A file in a bundle."""

    path: A[str, "Where it lies in the bundle."]
    bytes: A[int, "Its size."]
    kind: A[str, "Its kind."]


@dataclass(frozen=True)
class LeftOutFile:
    """A file that stays."""

    path: A[str, "Where it lies in the folder."]
    bytes: A[int, "Its size."]
    reason: A[str, "Why it stays."]


@dataclass(frozen=True)
class PackingList:
    """What leaves the machine and what stays: `clues pack --json`."""

    SCHEMA: ClassVar[str] = "clues/packing/1"
    bytes: A[int, "The size of the archive."]
    kinds: A[list[PackedKind], "What went in, by kind."]
    packed: A[list[PackedFile], "What went in, file by file."]
    left_out: A[list[LeftOutFile], "What stays."]


@dataclass(frozen=True)
class Conversion:
    """What a conversion wrote: `clues convert --json`."""

    SCHEMA: ClassVar[str] = "clues/conversion/1"
    output: A[str, "The file."]
    format: A[str, "Its format: gguf."]
    architecture: A[str, "The base model's architecture, as GGUF calls it."]
    layers: A[int, "How many layers the adapter has."]
    rank: A[int, "The rank with which they are written."]
    bytes: A[int, "The size of the file."]


@dataclass(frozen=True)
class AdapterModule:
    """A module that an adapter adapts."""

    name: A[str, "Its path in the base model."]
    kind: A[str, "What it is: linear, embedding, convolution."]
    rank: A[int, "The rank there."]
    alpha: A[float, "Alpha there."]
    scaling: A[float, "The factor of B·A."]
    outputs: A[int, "The length of its outputs."]
    inputs: A[int, "The length of its inputs."]


@dataclass(frozen=True)
class AdapterInspection:
    """What an adapter holds."""

    base_model: A[str | None, "The base model that it names."]
    name: A[str, "Its name; `default` at the root."]
    step: A[int | None, "The step it is from; null for a final one."]
    rank_smallest: A[int, "The smallest rank of a module."]
    rank_largest: A[int, "The largest."]
    scalings: A[list[float], "The factors of B·A that occur."]
    rslora: A[bool, "Whether the factor goes by the root of the rank."]
    dtypes: A[list[str], "The types of its tensors."]
    parameters: A[int, "How many numbers it holds."]
    finite: A[bool, "Whether all of them are numbers."]
    replaced_tensors: A[list[str], "Tensors that replace the base model's."]
    modules: A[list[AdapterModule], "The modules that it adapts."]


@dataclass(frozen=True)
class CheckpointInspection:
    """What a checkpoint holds."""

    step: A[int, "Its step."]
    learning_rate: A[float | None, "The mean rate of the last epoch before it, if it was logged."]
    trainer_state: A[bool, "Whether trainer_state.json is there."]
    optimizer: A[bool, "Whether optimizer.pt is there."]
    other_optimizers: A[list[str], "Other files of moments, which are not read."]
    gradients: A[list[str], "Files of gradients."]


@dataclass(frozen=True)
class LedgerInspection:
    """What a ledger holds."""

    bytes: A[int, "Its size."]
    columns: A[list[str], "Its columns."]
    samples: A[dict[str, int], "How many samples each split has."]
    checkpoints: A[list[int], "The steps."]
    notes: A[list[str], "What is odd about it."]


@dataclass(frozen=True)
class BundleFile:
    """A file that is known."""

    path: A[str, "Where it lies in the bundle."]
    bytes: A[int, "Its size."]


@dataclass(frozen=True)
class BundleInspection:
    """What a bundle, a Trainer folder or a PEFT folder holds."""

    SCHEMA: ClassVar[str] = "clues/inspection/1"
    kind: Literal["bundle"]
    path: A[str, "Where it lies."]
    client: A[str, "The client's name."]
    domain: A[str | None, "The client's own domain."]
    sha256: A[str, "The digest of what would be read."]
    files: A[list[BundleFile], "Files that are known."]
    ignored: A[list[str], "Files that are never read."]
    notes: A[list[str], "What is wrong or odd."]
    adapter: A[AdapterInspection | None, "The adapter that would be merged."] = None
    checkpoints: A[list[CheckpointInspection], "The checkpoints in step order."] = field(default_factory=list)
    training_samples: A[int | None, "How many training samples samples.jsonl names."] = None
    ledger: A[LedgerInspection | None, "The ledger."] = None


@dataclass(frozen=True)
class Tensor:
    """A tensor of a safetensors file."""

    name: A[str, "Its name."]
    dtype: A[str, "Its type, as PyTorch calls it."]
    shape: A[list[int], "Its shape."]


@dataclass(frozen=True)
class TensorsInspection:
    """What a safetensors file holds."""

    SCHEMA: ClassVar[str] = "clues/inspection/1"
    kind: Literal["safetensors"]
    path: A[str, "Where it lies."]
    metadata: A[dict[str, str], "Its metadata."]
    tensors: A[list[Tensor], "Its tensors in the order of the file."]


@dataclass(frozen=True)
class OptimizerGroup:
    """A group of parameters of an optimizer."""

    parameters: A[int, "How many parameters it has."]
    learning_rate: A[float | None, "The rate of the next step."]
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    amsgrad: bool


@dataclass(frozen=True)
class OptimizerInspection:
    """What an optimizer.pt holds."""

    SCHEMA: ClassVar[str] = "clues/inspection/1"
    kind: Literal["optimizer"]
    path: A[str, "Where it lies."]
    groups: A[list[OptimizerGroup], "The groups of parameters."]


# Evidence.


@dataclass(frozen=True)
class SampleRow:
    """A line of `samples.jsonl`: one sample."""

    id: A[str, "The sample."]
    split: A[Literal["train", "anchor", "validation"], "What it is for."]
    domain: A[str | None, "Its domain."] = None
    unscored: A[str | None, "Why it is not measured."] = None


@dataclass(frozen=True)
class LedgerRow:
    """A line of `ledger.jsonl`: one sample at one checkpoint. Further columns are allowed."""

    checkpoint: A[int, "The step."]
    split: A[Literal["train", "anchor", "validation"], "What the sample is for."]
    id: A[str, "The sample."]
    learning_rate: A[float | None, "The mean of the last epoch before the checkpoint."] = None
    domain: A[str | None, "Its domain."] = None
    tokens: A[int | None, "Tokens that the loss is the mean over."] = None
    loss: A[float | None, "The loss of the checkpoint's model."] = None
    gradient_norm: A[float | None, "The norm of the gradient g."] = None
    dot: A[dict[str, float | None] | None, "The product of g and the domains' mean validation gradients V."] = None
    adam_norm: A[float | None, "The norm of g as Adam scales it, without momentum."] = None
    adam_dot: A[dict[str, float | None] | None, "Its products with V."] = None
    reference_norm: A[float | None, "The norm of g as Adam scales it, with momentum."] = None
    reference_dot: A[dict[str, float | None] | None, "Its products with V."] = None
    validation_norm: A[dict[str, float | None] | None, "The norms of V."] = None
    base_loss: A[float | None, "The loss of the untuned model."] = None
    base_loss_without_prompt: A[float | None, "The same with the prompt taken away."] = None


@dataclass(frozen=True)
class UnscoredSample:
    """A sample that was not measured."""

    split: A[str, "What it is for."]
    id: A[str, "The sample."]
    file: A[str, "The file it is from."]
    line: A[int, "Its line there."]
    reason: A[str, "Why it was not measured."]


@dataclass(frozen=True)
class CaptureReport:
    """What came of a capture: `clues capture --json`."""

    SCHEMA: ClassVar[str] = "clues/capture/1"
    client: A[str, "The client."]
    folder: A[str, "Where the evidence is."]
    checkpoints: A[list[int], "The steps that were measured."]
    resumed: A[list[int], "Those of them that an interrupted capture had finished."]
    samples: A[dict[str, int], "How many samples each split has."]
    domains: A[list[str], "The domains of the validation sets."]
    unscored: A[list[UnscoredSample], "Samples that were not measured."]
    files: A[list[str], "The files that were written."]
    notes: A[list[str], "What the user should know."]


@dataclass(frozen=True)
class ManifestFile:
    """A file that a manifest lists."""

    bytes: A[int, "Its size."]
    sha256: A[str, "Its digest."]


@dataclass(frozen=True)
class Manifest:
    """The manifest of a bundle: `clues.json`."""

    format: A[int, "1."]
    client: A[str | None, "The client's name."] = None
    domain: A[str | None, "The client's own domain."] = None
    samples: A[dict[str, int], "How many samples each split has."] = field(default_factory=dict)
    files: A[dict[str, ManifestFile], "Every other file."] = field(default_factory=dict)


# Training.


@dataclass(frozen=True)
class SampleLeftOut:
    """A sample that is not trained on."""

    id: A[str, "The sample."]
    file: A[str, "The file it is from."]
    line: A[int, "Its line there."]
    reason: A[str, "Why it is left out."]


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training: `clues train --json`."""

    SCHEMA: ClassVar[str] = "clues/training/1"
    folder: A[str, "Where adapter and checkpoints are."]
    steps: A[int, "How many steps the training has."]
    epochs: A[float, "How often it went through all samples."]
    resumed_from: A[int | None, "The checkpoint that an earlier run was continued from."]
    checkpoints: A[list[int], "The steps after which checkpoints were saved."]
    samples: A[int, "How many samples were trained on."]
    left_out: A[list[SampleLeftOut], "Samples that were not."]
    layers: A[int, "How many layers are adapted."]
    parameters: A[int, "How many numbers were trained."]
    first_loss: A[float | None, "The loss of the first step."]
    last_loss: A[float | None, "That of the last step."]
    epoch_loss: A[float | None, "The mean over the steps of the last epoch."]
    tokens: A[int, "Tokens that went through the model in this run."]
    labels: A[int, "Those of them that were learned."]
    seconds: A[float, "What this run took."]
    tokens_per_second: A[float | None, "Its speed."]
    notes: A[list[str], "What the user should know."]
    capture: A[CaptureReport | None, "What came of measuring the checkpoints, where that was asked for."] = None


# Measuring.


@dataclass(frozen=True)
class Figure:
    """A number and its interval."""

    value: A[float | None, "The number; null where there is none, as of an infinite loss."]
    interval: A[list[float] | None, "The ends of its interval of 95 %; null where there are too few samples."]


@dataclass(frozen=True)
class MeasuredModel:
    """A model that was measured."""

    name: A[str, "The client, or base."]
    path: A[str, "Where it lay."]
    step: A[int | None, "The checkpoint that its adapter is from; null for a final one."]


@dataclass(frozen=True)
class _LossFigures:
    per_token: A[Figure, "The mean over all labels, in nats."]
    per_sample: A[Figure, "The mean of the samples' means."]


@dataclass(frozen=True)
class Losses(_LossFigures):
    """The losses of a model."""

    name: A[str, "The model."]
    perplexity: A[float | None, "e to the loss per token; null where that is infinite."]


@dataclass(frozen=True)
class LossDifference(_LossFigures):
    """The losses of a model minus those of another."""

    model: A[str, "The model."]
    against: A[str, "The other."]


@dataclass(frozen=True)
class MeasuredLosses:
    """The losses on the samples of a domain, or on all."""

    domain: A[str | None, "The domain; null for all samples."]
    samples: A[int, "How many samples there are."]
    tokens: A[int, "How many labels they have."]
    models: A[list[Losses], "The models, in order."]
    differences: A[list[LossDifference], "Each model against every one before it."]


@dataclass(frozen=True)
class _ChoiceFigures:
    sum: A[Figure, "The share of right choices, by the sum of log-probabilities."]
    per_token: A[Figure, "By their mean per token."]
    per_byte: A[Figure, "By their mean per byte."]


@dataclass(frozen=True)
class Choices(_ChoiceFigures):
    """The right choices of a model."""

    name: A[str, "The model."]


@dataclass(frozen=True)
class ChoiceDifference(_ChoiceFigures):
    """The right choices of a model minus those of another."""

    model: A[str, "The model."]
    against: A[str, "The other."]


@dataclass(frozen=True)
class MeasuredChoices:
    """The right choices in the questions of a domain, or in all."""

    domain: A[str | None, "The domain; null for all questions."]
    samples: A[int, "How many questions there are."]
    models: A[list[Choices], "The models, in order."]
    differences: A[list[ChoiceDifference], "Each model against every one before it."]


@dataclass(frozen=True)
class _AnswerFigures:
    exact_match: A[Figure, "The share of answers that are the reference."]
    f1: A[Figure, "F1 over words."]
    rouge_l: A[Figure, "ROUGE-L."]
    chrf: A[Figure, "chrF2, the mean over samples."]


@dataclass(frozen=True)
class Answers(_AnswerFigures):
    """How near a model's answers are to the references."""

    name: A[str, "The model."]
    chrf_corpus: A[float | None, "chrF2 with n-grams counted over all samples."]
    cut_off: A[int, "How many answers a limit ended."]
    empty: A[int, "How many are empty."]


@dataclass(frozen=True)
class AnswerDifference(_AnswerFigures):
    """The figures of a model's answers minus those of another's."""

    model: A[str, "The model."]
    against: A[str, "The other."]


@dataclass(frozen=True)
class MeasuredAnswers:
    """The answers to the samples of a domain, or to all."""

    domain: A[str | None, "The domain; null for all samples."]
    samples: A[int, "How many samples there are."]
    models: A[list[Answers], "The models, in order."]
    differences: A[list[AnswerDifference], "Each model against every one before it."]


@dataclass(frozen=True)
class _MarkFigures:
    mark: A[Figure, "The mean mark."]


@dataclass(frozen=True)
class Marks(_MarkFigures):
    """The marks that a model's answers got."""

    name: A[str, "The model."]
    marked: A[int, "How many answers have a mark."]


@dataclass(frozen=True)
class MarkDifference(_MarkFigures):
    """The mean mark of a model minus that of another."""

    model: A[str, "The model."]
    against: A[str, "The other."]


@dataclass(frozen=True)
class MeasuredMarks:
    """The marks of answers to the samples of a domain, or to all."""

    domain: A[str | None, "The domain; null for all samples."]
    samples: A[int, "How many samples have marked answers."]
    models: A[list[Marks], "The models, in order."]
    differences: A[list[MarkDifference], "Each model against every one before it."]


@dataclass(frozen=True)
class GeneratedAnswer:
    """What a model wrote."""

    text: A[str, "The answer."]
    end: A[Literal["stopped", "length", "context"], "What ended it: the model, --max-new-tokens, the model's context."]
    tokens: A[int, "How many tokens it has."]


@dataclass(frozen=True)
class AnswerRow:
    """A line of `clues measure --answers`: a sample and the answers of all models."""

    id: A[str, "The sample."]
    domain: A[str, "Its domain."]
    prompt: A[str, "What the models read."]
    reference: A[str, "The answer that is due."]
    answers: A[dict[str, GeneratedAnswer], "The answers by model."]


@dataclass(frozen=True)
class UnmeasuredSample:
    """A sample that no model is measured on."""

    id: A[str, "The sample."]
    domain: A[str, "Its domain."]
    file: A[str, "The file it is from."]
    line: A[int, "Its line there."]
    reason: A[str, "Why it is left out."]


@dataclass(frozen=True)
class Intervals:
    """How intervals were found."""

    draws: A[int, "How often samples were drawn anew."]
    seed: A[int, "What the draws follow from."]
    confidence: A[float, "The share of the draws in an interval."]


@dataclass(frozen=True)
class Measurement:
    """How well models do on held-out samples: `clues measure --json`."""

    SCHEMA: ClassVar[str] = "clues/measure/1"
    version: A[str, "The version of the executable."]
    base: A[str, "The base model."]
    models: A[list[MeasuredModel], "The models, the base model first."]
    data: A[list[str], "The files of samples."]
    loss_over: A[Literal["answer", "all"], "The tokens that losses are over."]
    answer_tokens: A[int | None, "The most tokens of an answer; null without generated answers."]
    bootstrap: A[Intervals, "How intervals were found."]
    left_out: A[list[UnmeasuredSample], "Samples that are left out for all models."]
    notes: A[list[str], "What the user should know."]
    losses: A[list[MeasuredLosses] | None, "By domain, then over several domains."] = None
    choices: A[list[MeasuredChoices] | None, "The same for multiple choice."] = None
    answers: A[list[MeasuredAnswers] | None, "The same for generated answers."] = None
    marks: A[list[MeasuredMarks] | None, "The same for their marks."] = None
    examples: A[list[AnswerRow], "The first samples of each domain with all answers."] = field(default_factory=list)


@dataclass(frozen=True)
class SampleFigures:
    """What a model makes of a sample."""

    loss: A[float, "The mean over its labels, in nats."]
    exact_match: A[bool | None, "Whether its answer is the reference."] = None
    f1: A[float | None, "F1 over words."] = None
    rouge_l: A[float | None, "ROUGE-L."] = None
    chrf: A[float | None, "chrF2."] = None
    end: A[Literal["stopped", "length", "context"] | None, "What ended its answer."] = None


@dataclass(frozen=True)
class QuestionFigures:
    """What a model makes of a question with choices."""

    log_likelihoods: A[list[float], "The sum of the tokens' log-probabilities of each choice."]
    sum: A[int, "The choice with the largest sum, from 0."]
    per_token: A[int, "That with the largest mean per token."]
    per_byte: A[int, "That with the largest mean per byte."]


@dataclass(frozen=True)
class MeasuredSampleRow:
    """A line of `clues measure --samples`: a sample."""

    id: A[str, "The sample."]
    domain: A[str, "Its domain."]
    file: A[str, "The file it is from."]
    line: A[int, "Its line there."]
    tokens: A[int, "How many labels it has."]
    models: A[dict[str, SampleFigures], "The figures by model."]


@dataclass(frozen=True)
class MeasuredQuestionRow:
    """A line of `clues measure --samples`: a question with choices."""

    id: A[str, "The question."]
    domain: A[str, "Its domain."]
    file: A[str, "The file it is from."]
    line: A[int, "Its line there."]
    answer: A[int, "The right choice, from 0."]
    tokens: A[list[int], "How many tokens each choice has."]
    bytes: A[list[int], "How many bytes."]
    models: A[dict[str, QuestionFigures], "The figures by model."]


# Experiments.


@dataclass(frozen=True)
class ExperimentClient:
    """A client, and how many samples of each kind it has."""

    name: A[str, "The client."]
    train: A[int, "Samples to train on."]
    anchor: A[int, "Samples that are known to be good."]
    validation: A[int, "Samples that others are compared with."]
    test: A[int, "Held-out samples."]
    corruption_factor: A[float | None, "How many times the share of bad samples it has; null for once."]


@dataclass(frozen=True)
class ExperimentPart:
    """An arm or a merge."""

    name: A[str, "Its name."]
    meaning: A[str, "What it does."]


@dataclass(frozen=True)
class SeedFigure:
    """A number over all seeds."""

    value: A[float | None, "The mean over the seeds that have one."]
    interval: A[list[float] | None, "The ends of its interval of 95 %."]
    seeds: A[list[float | None], "By seed."]


@dataclass(frozen=True)
class ExperimentLoss:
    """The loss of a model on test samples."""

    share: A[float | None, "The share of bad training samples; null for the base model."]
    arm: A[str | None, "Its arm; null for the base model."]
    merge: A[str | None, "How it was merged; null for the clients' own adapters."]
    client: A[str | None, "Whose samples; null for all."]
    loss: A[SeedFigure, "Nats per token."]
    difference: A[SeedFigure | None, "How far it is from the arm that keeps everything."]
    recovered: A[SeedFigure | None, "The share of what bad samples cost that is won back."]


@dataclass(frozen=True)
class ExperimentSelection:
    """How well an arm finds the good samples."""

    share: A[float, "The share of bad training samples."]
    arm: A[str, "The arm."]
    rule: A[str | None, "A threshold rule that is compared; null for the arm's own."]
    client: A[str | None, "Whose samples; null for all."]
    kept_share: A[SeedFigure | None, "The share of samples that is kept."]
    precision: A[SeedFigure | None, "The share of good samples among the kept ones."]
    recall: A[SeedFigure | None, "The share of good samples that is kept."]
    f1: A[SeedFigure | None, "Their harmonic mean."]
    accuracy: A[SeedFigure | None, "The share of right decisions."]
    auroc: A[SeedFigure | None, "How well scores tell good samples from bad ones."]
    threshold: A[SeedFigure | None, "The threshold."]
    bad_kept: A[dict[str, SeedFigure], "By kind of bad samples, the share that is kept."] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentExample:
    """A question and the answers of the models."""

    client: A[str, "Whose sample it is."]
    question: A[str, "What was asked."]
    reference: A[str, "The answer that is due."]
    answers: A[dict[str, str], "The answers by model."]


@dataclass(frozen=True)
class ExperimentRecord:
    """What came of an experiment: `clues experiment --json`, and `experiment.json`."""

    SCHEMA: ClassVar[str] = "clues/experiment/1"
    version: A[str, "The version of the executable."]
    base: A[str, "The base model."]
    clients: A[list[ExperimentClient], "The clients."]
    seeds: A[list[int], "The seeds."]
    shares: A[list[float], "The shares of bad samples."]
    kinds: A[list[str], "How samples were made bad."]
    arms: A[list[ExperimentPart], "The arms."]
    merges: A[list[ExperimentPart], "The merges."]
    losses: A[list[ExperimentLoss], "The losses of all models."]
    selections: A[list[ExperimentSelection], "How well the arms find good samples."]
    notes: A[list[str], "What the user should know."]
    examples: A[list[ExperimentExample], "Questions and the answers of the models."] = field(default_factory=list)


# Plugins and recipes.


@dataclass(frozen=True)
class PluginSummary:
    """A plugin in a list."""

    id: A[str, "Its name."]
    kind: A[str, "What it is: merge method, scorer or threshold rule."]
    summary: A[str, "What it does, in a sentence."]
    library: A[str, "The library it is in."]
    version: A[str, "The library's version."]
    path: A[str, "The library's file."]
    origin: A[str, "Why it is looked for there."]
    standing: A[str, "Whether it may run."]
    sha256: A[str | None, "The digest of the file; null of built-in ones."]


@dataclass(frozen=True)
class PluginProblem:
    """A file in a plugin folder that is none."""

    file: A[str | None, "The file."]
    message: A[str, "What is wrong with it."]


@dataclass(frozen=True)
class PluginList:
    """The plugins that there are: `clues plugins list --json`."""

    SCHEMA: ClassVar[str] = "clues/plugins/1"
    plugins: A[list[PluginSummary], "The plugins."]
    problems: A[list[PluginProblem], "Files that are none."]


@dataclass(frozen=True)
class PluginParameter:
    """A parameter of a plugin."""

    type: A[str, "number, integer, string or boolean."]
    description: A[str, "What it means."]
    default: A[Json, "Its default; missing where it is not set."] = None
    enum: A[list[Json] | None, "The values that it may have."] = None
    minimum: float | None = None
    maximum: float | None = None
    exclusiveMinimum: float | None = None  # noqa: N815 - JSON Schema's word
    exclusiveMaximum: float | None = None  # noqa: N815
    unit: A[str | None, "The unit of its values."] = None
    perInput: A[bool, "Whether it may differ by client."] = False  # noqa: N815


@dataclass(frozen=True)
class PluginInfo(PluginSummary):
    """All that is known about a plugin: `clues plugins show --json`."""

    details: A[str, "What it does, step by step."]
    reference: A[str, "Where it comes from."]
    parameters: A[dict[str, PluginParameter], "Its parameters."]
    spaces: A[list[str] | None, "The spaces that a merge method works in."] = None
    default_space: A[str | None, "The one that it takes by default."] = None
    merges_rows: A[bool | None, "Whether a merge method takes some rows of all clients at a time."] = None


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    entry: A[str | None, "The plugin in the library; null of the library itself."]
    status: A[str, "How grave it is."]
    message: A[str, "What was found."]


@dataclass(frozen=True)
class PluginCheckResult:
    """One check of a library of plugins."""

    id: A[str, "The check."]
    status: A[str, "success, failed, crashed, skipped or warning."]
    about: A[str, "What it asks for."]
    advice: A[str | None, "What to do about it."]
    findings: A[list[Finding], "What it found."]


@dataclass(frozen=True)
class PluginCheck:
    """All checks of a library of plugins: `clues plugins check --json`."""

    SCHEMA: ClassVar[str] = "clues/plugin-check/1"
    file: A[str, "The library."]
    seed: A[str, "Where the random numbers start, as a text: it may have 64 bits."]
    passed: A[bool, "Whether nothing failed."]
    counts: A[dict[str, int], "How many checks ended in which way."]
    checks: A[list[PluginCheckResult], "The checks."]


@dataclass(frozen=True)
class PluginCheckName:
    """A check that there is."""

    id: A[str, "The check."]
    about: A[str, "What it asks for."]


@dataclass(frozen=True)
class PluginChecks:
    """The checks that there are: `clues plugins check --list --json`."""

    SCHEMA: ClassVar[str] = "clues/plugin-checks/1"
    checks: A[list[PluginCheckName], "The checks."]


@dataclass(frozen=True)
class PluginManifest:
    """What a library of plugins says of itself: `clues plugins manifest`."""

    SCHEMA: ClassVar[str] = "clues/plugin-manifest/1"
    abi_minor: A[int, "The minor version of the ABI."]
    name: A[str, "Its name."]
    version: A[str, "Its version."]
    vendor: A[str | None, "Who made it."]
    license: A[str | None, "Its licence."]
    merge_methods: A[list[dict[str, Json]], "Its merge methods."]
    scorers: A[list[dict[str, Json]], "Its scorers."]
    threshold_rules: A[list[dict[str, Json]], "Its threshold rules."]


@dataclass(frozen=True)
class RecipeProblem:
    """A mistake in a recipe."""

    kind: A[str, "The kind."]
    message: A[str, "What is wrong."]
    exit_code: A[int, "The exit code that the kind has."]
    advice: A[str | None, "What to do about it."] = None
    file: A[str | None, "The recipe, or another file."] = None
    line: A[int | None, "The line, counted from 1."] = None
    column: A[int | None, "The column, counted from 1."] = None
    client: A[str | None, "The client it is about."] = None
    tensor: A[str | None, "The tensor it is about."] = None


@dataclass(frozen=True)
class RecipeCheck:
    """The mistakes of a recipe: `clues recipe check --json`."""

    SCHEMA: ClassVar[str] = "clues/recipe-check/1"
    recipe: A[str, "The recipe."]
    ok: A[bool, "Whether there are none."]
    problems: A[list[RecipeProblem], "The mistakes in the order of the file."]


@dataclass(frozen=True)
class ParameterTable:
    """The values of a merge method's parameters: `clues recipe explain --modules --json`."""

    SCHEMA: ClassVar[str] = "clues/parameters/1"
    clients: A[list[str], "The clients, in the order in which values of several stand."]
    modules: A[dict[str, dict[str, Json]], "The values for every module."]
