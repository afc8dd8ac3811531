"""Plans that were printed, changed by hand, and read back."""

from __future__ import annotations

import pytest
import yaml

from viseme.errors import ConfigError
from viseme.studies.plan import Given, Plan, Step
from viseme.studies.plan_file import read_plan

GIVEN = {"data": Given("store", "f")}
STEPS = (
    Step("train/a", "viseme.train", "runs/a", {"preset": "tiny_gan", "data": "<data>"}, parts=("sda",)),
    Step("page", "viseme.compare", "index.html", {"made": {"a": "<train/a>"}}, gathers=True, reasons=True),
)


@pytest.fixture
def written(tmp_path):
    """Writes a plan, its YAML changed by a function, and gives its path."""

    def write(change=lambda said: None):
        said = yaml.safe_load(Plan("paper", {"scale": "toy"}, GIVEN, STEPS).to_yaml({"train/a": "about 3 s"}))
        change(said)
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(said))
        return path

    return write


def test_a_printed_plan_is_read_back_as_it_was(written):
    plan = read_plan(written(), "paper", GIVEN)
    assert plan.steps == STEPS
    assert plan.settings == {"scale": "toy"}
    assert plan.fingerprints == Plan("paper", {"scale": "toy"}, GIVEN, STEPS).fingerprints


def test_a_changed_argument_changes_what_depends_on_it(written):
    plan = read_plan(written(lambda said: said["steps"][0]["arguments"].update(preset="tiny_ddpm")), "paper", GIVEN)
    assert plan.step["train/a"].arguments["preset"] == "tiny_ddpm"
    assert plan.fingerprints["page"] != Plan("paper", {}, GIVEN, STEPS).fingerprints["page"]


def changed(at, **fields):
    return lambda said: said["steps"][at].update(fields)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda said: said.update(steps=None), "holds no plan"),
        (lambda said: said.update(study="drift"), "is a plan of study drift, not paper"),
        (lambda said: said["steps"][0].pop("makes"), "step 1: makes is missing"),
        (changed(0, call="os.system"), "calls os.system, which is no function of viseme"),
        (changed(0, call="viseme.fly"), "calls viseme.fly"),
        (changed(0, speed=3), "speed is no field of a step"),
        (changed(0, makes="../elsewhere"), "outside the study's folder"),
        (changed(0, makes="/elsewhere"), "outside the study's folder"),
        (changed(0, needs=["page"]), r"needs \['page'\], and its arguments refer to data"),
        (changed(0, arguments={"x": "<train/b>"}, needs=["train/b"]), "needs train/b, and no step is called that"),
        (changed(0, arguments={"x": "<page>"}, needs=["page"]), "steps need each other"),
        (changed(0, arguments=["x"]), "arguments are no mapping"),
        (lambda said: said["steps"].append("train"), "step 3: is no mapping"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(written, change, says):
    with pytest.raises(ConfigError, match=says):
        read_plan(written(change), "paper", GIVEN)


def test_what_is_no_yaml_is_refused(tmp_path):
    (tmp_path / "plan.yaml").write_text("steps: [")
    for path in ("plan.yaml", "nowhere.yaml"):
        with pytest.raises(ConfigError, match="cannot be read as YAML"):
            read_plan(tmp_path / path, "paper", GIVEN)
