"""The report: what its words say, what its files hold, and how two of them compare."""

import csv
import json
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from making.windows import toy_windows
from physiosynth.errors import EvaluationError
from physiosynth.families.wearable.features.features import FEATURES
from physiosynth.families.wearable.judging.findings import assess, findings
from physiosynth.families.wearable.judging.levels import CARE, GOOD, PERSON, POOR, UNKNOWN
from physiosynth.families.wearable.judging.metrics import Floor
from physiosynth.families.wearable.judging.plan import quick_settings
from physiosynth.families.wearable.judging.report.compare import Compared, Figure, as_text, compare, read_metrics
from physiosynth.families.wearable.judging.report.page import page
from physiosynth.families.wearable.judging.report.summary import summarise
from physiosynth.families.wearable.judging.report.write import write_report
from physiosynth.families.wearable.judging.rows import ScoreRow, ScoreTable
from physiosynth.families.wearable.judging.scores_table import score_named
from physiosynth.families.wearable.scores.controls import white_noise
from physiosynth.families.wearable.scores.inputs import Inputs
from physiosynth.families.wearable.scores.run import run
from physiosynth.families.wearable.signals import CONDITIONS
from places import ROOT

SCRIPTS = ROOT / "scripts"
GROUPS = ("distributions", "spectra", "physiology", "coupling")


def row(matched, control=0.9, people=None, score="value_ks", part="ECG", state="all", edge=0.2, mean=0.1):
    return ScoreRow.of(
        score_named(score), state, part, matched, matched, Floor(mean, edge, 6), people, control, (20, 20)
    )


def made(windows):
    return replace(
        windows,
        subjects=np.full(len(windows), "synthetic"),
        source="synthetic",
        seen_subjects=frozenset({"A1", "A2"}),
    )


@pytest.fixture(scope="module")
def inputs():
    train = toy_windows(6, 3, ("A1", "A2"))
    return Inputs(toy_windows(9, 1, ("T1",)), made(toy_windows(9, 2)), train, notes=("A note <for> readers.",))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def evaluation(inputs, parts):
    settings = quick_settings(kinds=("logistic",), repeats=3)
    return run(inputs, parts, settings, (*GROUPS, "usefulness"))


@pytest.fixture(scope="module")
def noise(inputs, parts):
    broken = replace(inputs, synthetic=made(white_noise(inputs.real, 5)))
    return run(broken, parts, quick_settings(repeats=3), ("spectra", "physiology"))


@pytest.fixture(scope="module")
def written(evaluation, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    write_report(evaluation, out)
    return out


PRIVATE = ScoreTable((row(0.0, score="copies", part="near", mean=0.0, edge=0.0),))


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (row(0.15), GOOD),
        (row(0.25), GOOD),  # 1.3 times the edge of 0.2
        (row(0.3), CARE),
        (row(0.6), POOR),
        (row(0.45, people=Floor(0.4, 0.5, 6)), PERSON),
        (row(0.6, people=Floor(0.4, 0.5, 6)), CARE),  # people themselves are at 0.4, half way is 0.65
        (row(0.7, people=Floor(0.4, 0.5, 6)), POOR),
        (row(0.6, control=None), CARE),
        (row(float("nan")), UNKNOWN),
        (row(0.6, control=0.15), UNKNOWN),  # the control is within the floor: the figure cannot tell
        (row(0.97, control=0.1, score="psd_similarity", mean=0.98, edge=0.95), GOOD),
        (row(0.3, control=0.1, score="psd_similarity", mean=0.98, edge=0.95), POOR),
    ],
)
def test_a_level_says_how_a_figure_stands_between_reference_and_control(given, level):
    """Within 1.3 times the floor, within other people, past half of the way to the control, or between."""
    assert given.level == level


def test_a_discrepancy_is_zero_at_the_reference_and_one_at_the_control():
    """Linear between the floor's mean and the control, and between people where they are farther off."""
    assert row(0.1).discrepancy == pytest.approx(0.0)
    assert row(0.5).discrepancy == pytest.approx(0.5)
    assert row(0.9, people=Floor(0.4, 0.5, 6)).discrepancy == pytest.approx(1.0)
    assert np.isnan(row(0.5, control=0.05).discrepancy)


def test_scores_of_one_thing_speak_together_and_name_the_states():
    """Three figures of heart rate are one finding a level; a level that all states share names none."""
    rows = [
        row(value, score=score, part="heart_rate", state=state)
        for state, value in (("baseline", 0.15), ("stress", 0.8))
        for score in ("feature_ks", "feature_w1", "feature_w1_sd")
    ]
    texts = {found.level: found.text for found in findings(ScoreTable(tuple(rows)))}
    assert texts == {
        GOOD: "Heart rate, in baseline",
        POOR: "Heart rate, in stress: discrepancy 0.88 of the white-noise control",
    }
    alike = tuple(row(0.15, score=each.score, part=each.part, state=each.state) for each in rows)
    assert [found.text for found in findings(ScoreTable(alike))] == ["Heart rate"]


@pytest.mark.parametrize("alike", [0, 3, 200])
def test_one_discrepant_finding_among_many_is_counted_and_never_called_none(alike):
    """However few the discrepant figures are, headline and lead agree with the list of them."""
    parts = [name for name in FEATURES if name != "p_wave"]
    kinds = [(kind, part, state) for kind in ("ks", "w1", "w1_sd") for part in parts for state in CONDITIONS]
    rows = [row(0.15, score=f"feature_{kind}", part=part, state=state) for kind, part, state in kinds[:alike]]
    rows.append(row(0.8, score="feature_ks", part="p_wave", state="amusement"))
    rows.append(row(0.15, score="feature_ks", part="p_wave", state="stress"))
    found = assess(ScoreTable(tuple(rows)), "n = 16 per state, simulated reference")
    (only,) = found.discrepant
    assert only.text.endswith(", in amusement: discrepancy 0.88 of the white-noise control")
    count = len(found.alike) + len(found.minor) + 1
    assert f"Of {count} findings" in found.lead and " 1 are discrepant" in found.lead
    few = f"No major discrepancy in {count - 1} of {count} findings"
    assert found.headline.startswith(few if alike == 200 else "Discrepant in"), found.headline


def test_no_discrepant_figure_means_that_none_is_claimed():
    """Headline, lead and list say the same where all is like the reference, and the headline names its basis."""
    found = assess(ScoreTable((row(0.15), row(0.15, part="EDA"))), "n = 16 per state, simulated reference")
    assert found.headline == "No major discrepancy found (n = 16 per state, simulated reference)"
    assert found.verdict == GOOD and "0 are discrepant" in found.lead and found.discrepant == ()


def test_noise_is_called_discrepant(noise):
    """The headline, the list and the page say it in words."""
    summary = summarise(noise)
    assert summary.verdict == POOR and summary.headline.startswith("Discrepant in most")
    assert any("Heart rate" in found.text for found in summary.discrepant)
    assert summary.headline in page(summary, noise.table, {}, {}, [], [])


def test_windows_of_the_same_kind_are_not_called_discrepant(evaluation):
    """A faultless generator's windows are like the reference in more than they are not."""
    summary = summarise(evaluation)
    assert summary.verdict != POOR
    assert len(summary.alike) > len(summary.discrepant)
    assert any("by chance, in 25 %" in text for text in summary.usefulness)


def test_an_attack_that_works_is_not_passed_over(evaluation):
    """An attack whose interval lies above guessing is told, however little; one that includes guessing is not."""
    attack = {"name": "discriminator", "auc": 0.85, "low": 0.8, "high": 0.9, "over": "windows", "tpr": 0.1}
    said = " ".join(summarise(replace(evaluation, attacks=(attack,), table=PRIVATE)).privacy)
    assert "discriminator" in said and "85 %" in said and "No sign" not in said
    slight = attack | {"auc": 0.63, "low": 0.527}
    said = " ".join(summarise(replace(evaluation, attacks=(slight,), table=PRIVATE)).privacy)
    assert "63 %" in said and "No sign" not in said
    weak = attack | {"auc": 0.55, "low": 0.45}
    assert "No sign" in " ".join(summarise(replace(evaluation, attacks=(weak,), table=PRIVATE)).privacy)


def test_metrics_hold_what_is_needed_to_repeat_them(written, evaluation):
    """Schema version, seed, hashes, settings, versions and the word synthetic are there, in strict JSON."""

    def refuse(name):
        raise AssertionError(name)

    content = json.loads((written / "metrics.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["schema_version"] == 2 and content["kind"] == "synthetic" and content["seed"] == 0
    assert content["sha256"]["real"] == evaluation.inputs.real.sha256()
    assert set(content["sha256"]) == {"real", "synthetic", "train"}
    assert content["settings"]["repeats"] == evaluation.settings.repeats
    assert {"physiosynth", "python", "numpy"} <= set(content["versions"])
    assert len(content["scores"]) == len(evaluation.table.rows)
    assert content["windows"]["synthetic"]["seen_subjects"] == ["A1", "A2"]


def test_tables_hold_every_score_with_its_yardsticks(written, evaluation):
    """One CSV row a score, state and part, beside floor, control and verdict."""
    with (written / "tables" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(evaluation.table.rows)
    found = next(r for r in rows if (r["score"], r["state"], r["part"]) == ("feature_ks", "stress", "heart_rate"))
    assert float(found["random_edge"]) >= float(found["random_mean"]) >= 0
    assert float(found["control"]) > float(found["random_mean"]) and found["control_name"] == "white_noise"
    assert (written / "tables" / "usefulness.csv").is_file() and (written / "tables" / "measurements.csv").is_file()


class Page(HTMLParser):
    """Collects what a page asks of the network, and what it shows."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.images, self.ids, self.tags = [], [], set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.addresses += [given[name] for name in ("src", "href", "srcset", "data") if given.get(name)]
        self.ids.add(given.get("id"))
        if tag == "img":
            self.images.append(given)


def test_the_page_needs_nothing_from_elsewhere(written):
    """No script, no address outside the page, every picture inside it with a text for who cannot see it."""
    text = (written / "report.html").read_text(encoding="utf-8")
    shown = Page(text)
    assert not {"script", "link", "iframe", "object"} & shown.tags
    assert all(address.startswith(("data:image/svg+xml;base64,", "#")) for address in shown.addresses)
    assert not re.search(r"@import|url\(", text)
    assert {address[1:] for address in shown.addresses if address.startswith("#")} <= shown.ids
    assert len(shown.images) >= 9
    assert all(len(image["alt"]) > 40 for image in shown.images)


def test_the_page_shows_words_first_and_escapes_what_it_is_given(written):
    """The headline precedes every table, and a note's angle brackets are text."""
    text = (written / "report.html").read_text(encoding="utf-8")
    assert text.index("<h1") < text.index("Like reference") < text.index("<table")
    assert "A note &lt;for&gt; readers." in text
    for title in ("Power spectra", "Autocorrelation", "Mean beat", "Tachograms", "Map of all windows", "Confusion"):
        assert title in text


def test_equal_runs_differ_in_nothing(written):
    """A run compared with itself has no mark."""
    content = read_metrics(written / "metrics.json")
    found = compare(content, content)
    assert len(found.compared) > 300 and not any(each.outside for each in found.compared)
    assert not found.warnings and not found.alone


def test_a_planted_difference_is_marked_with_its_direction(written):
    """Worse by three floors is '-', better '+', and one within the interval has no mark."""
    first = read_metrics(written / "metrics.json")
    second = deepcopy(first)
    rows = {(r["score"], r["state"], r["part"]): r for r in second["scores"]}
    planted = rows["value_ks", "all", "ECG"], rows["psd_similarity", "all", "ECG"], rows["value_ks", "all", "EDA"]
    for entry, change in zip(planted, (0.5, -0.5, 0.0001), strict=True):
        for figure in ("matched", "low", "high"):
            entry[figure] += change
    marks = {each.name: each.mark for each in compare(first, second).compared if each.mark.strip()}
    assert marks == {"value_ks ECG all": "-", "psd_similarity ECG all": "-"}
    back = {each.name: each.mark for each in compare(second, first).compared if each.mark.strip()}
    assert back == {"value_ks ECG all": "+", "psd_similarity ECG all": "+"}
    text = as_text(compare(first, second), ("a", "b"), only_marked=True)
    assert "- value_ks ECG all" in text and "worse in 2" in text and "coupling_ks" not in text


def test_a_difference_counts_beyond_the_sides_that_face_each_other():
    """Intervals may be lopsided: what matters is how far the lower one reaches up and the upper one down."""
    low, high = Figure(0.2, 0.0, 0.25, "lower"), Figure(0.4, 0.35, 0.9, "lower")
    assert Compared("x", low, high).mark == "-" and Compared("x", high, low).mark == "+"
    assert Compared("x", low, Figure(0.4, 0.15, 0.45, "lower")).mark == " "


def test_people_who_are_found_again_are_told(evaluation):
    """Windows that look like somebody learned from are told; an unsure classifier, or likeness to nobody, is not."""
    found = {"accuracy": 0.9, "chance": 0.25, "auc": 0.9, "subjects": 4}

    def said(**changed):
        return " ".join(summarise(replace(evaluation, identity=found | changed, table=PRIVATE)).privacy)

    assert "knows 4 of the training subjects" in said() and "90 %" in said() and "No sign" not in said()
    assert "No sign" in said(auc=0.5) and "No sign" in said(accuracy=0.3)


def test_runs_against_other_windows_are_compared_with_a_warning(written):
    """Another reference, or another number of windows, is said."""
    first = read_metrics(written / "metrics.json")
    second = deepcopy(first)
    second["sha256"]["real"] = "0"
    second["windows"]["synthetic"]["states"]["stress"] = 3
    said = " ".join(compare(first, second).warnings)
    assert "different reference windows" in said and "different numbers" in said


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 1}', '{"schema_version": 99, "scores": []}'])
def test_a_file_that_is_no_metrics_is_refused_in_words(tmp_path, content):
    """Damaged JSON, another file and another schema are told apart from a comparison."""
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(EvaluationError, match=r"metrics\.json"):
        read_metrics(path)


def command(script, *arguments):
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def test_a_users_mistakes_at_the_commands_are_answered_plainly(tmp_path):
    """A missing file, a missing fold and no fold at all end with one sentence and code 2."""
    wrong = tmp_path / "windows.npz"
    np.savez(wrong, ecg=np.zeros((2, 3)))
    answers = [
        command("compare.py", tmp_path / "a.json", tmp_path / "b.json"),
        command("evaluate.py", "--synthetic", wrong, "--out", tmp_path / "out"),
        command("evaluate.py", "--synthetic", wrong, "--fold", tmp_path / "none", "--out", tmp_path / "out"),
        command("evaluate.py", "--bundle", tmp_path / "none", "--out", tmp_path / "out"),
    ]
    for answer in answers:
        assert answer.returncode == 2, answer.stderr
        assert answer.stderr.startswith("error: ") and "Traceback" not in answer.stderr
    assert "--fold" in answers[1].stderr
    assert not (tmp_path / "out").exists()


def test_a_quick_judgement_needs_nothing_of_the_report():
    """The judges in quick form load neither the report's modules nor its templates' library."""
    code = (
        "import sys, physiosynth.families.wearable.scores.quick, physiosynth.families.wearable.scores.glance;"
        "print([m for m in sys.modules if m.startswith(('physiosynth.families.wearable.judging.report', 'jinja2'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_what_a_metrics_of_the_first_schema_holds_is_still_compared(written, tmp_path):
    """Floors were columns of their own and a row had a verdict and words of its level: none of that is compared."""
    new = json.loads((written / "metrics.json").read_text(encoding="utf-8"))
    old = deepcopy(new) | {"schema_version": 1}
    kept = ("score", "state", "part", "group", "unit", "better", "value", "matched", "low", "high", "control", "level")
    old["scores"] = [
        {name: row[name] for name in kept} | {"floor_random_mean": 0.1, "verdict": "as real", "said": "as real"}
        for row in new["scores"]
    ]
    (tmp_path / "metrics.json").write_text(json.dumps(old), encoding="utf-8")
    found = compare(read_metrics(tmp_path / "metrics.json"), new)
    assert len(found.compared) > 300 and not any(each.outside for each in found.compared) and not found.alone
