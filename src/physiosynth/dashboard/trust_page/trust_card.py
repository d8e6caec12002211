"""The bundle's card on the Trust page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from physiosynth.dashboard import session
from physiosynth.dashboard.messages import for_visitors
from physiosynth.dashboard.settings import settings
from physiosynth.errors import PhysiosynthError

if TYPE_CHECKING:
    from physiosynth.families.wearable.generator.card import Card
    from physiosynth.families.wearable.generator.generator import WESADGenerator

UNWRITTEN = "not stated in this bundle"
SPLITS = {"train": "for training", "val": "for choosing the checkpoint", "test": "held out"}


def show(model: WESADGenerator) -> None:
    """Draw the card of the session's model."""
    try:
        card = _card(model.info.bundle_sha256, session.paths().milestones, model)
    except PhysiosynthError as error:
        st.error(for_visitors(str(error)))
        return
    st.subheader("The model", anchor=False)
    left, right = st.columns([1.15, 1], gap="large")
    with left:
        st.markdown(_facts(card))
        told = [settings().bundle_words, *model.info.notices]
        st.caption("\n\n".join(for_visitors(text) for text in told if text))
    with right:
        st.markdown("##### Known weaknesses")
        if card.weak:
            st.markdown("\n".join(f"- {plain(text)}" for text in card.weak))
        else:
            st.caption("This bundle states no weaknesses. Evaluate it before use.")
    _details(card)


def in_a_line(model: WESADGenerator) -> str:
    """The session's model by name, training subjects and bundle. Raises PhysiosynthError."""
    card = _card(model.info.bundle_sha256, session.paths().milestones, model)
    subjects = "simulated subjects" if model.info.source == "virtual" else "subjects"
    people = [f"{card.people['train']} {subjects}"] if "train" in card.people else []
    return ", ".join([card.name, *people, f"bundle {card.bundle_sha256[:12]}"]) + "."


def _facts(card: Card) -> str:
    """What is known, line by line."""
    people = ", ".join(f"{count} {SPLITS.get(split, split)}" for split, count in card.people.items())
    sampling = card.sampling
    rows = {
        "Model": f"{card.name}: {card.architecture}; {card.parameters / 1e6:.1f} million parameters",
        "Trained on": card.trained_on,
        "Subjects": people or UNWRITTEN,
        "Training finished": card.training.get("Finished", f"{UNWRITTEN} (physiosynth "
                                                      f"{card.training.get('Written by physiosynth', '?')})"),
        "States": ", ".join(card.states),
        "Default sampling": f"slow signals {sampling.low_steps} steps, guidance {sampling.low_guidance:g}; ECG "
        f"{sampling.ecg_steps} steps, guidance {sampling.ecg_guidance:g}; {sampling.method}",
        "Bundle": f"`{card.bundle_sha256[:16]}` (SHA-256 of all that determines the samples)",
        "Use": "research, teaching and testing; **not for clinical use**",
    }  # fmt: skip
    return "\n".join(f"- **{name}**: {plain(str(value))}" for name, value in rows.items())


def _details(card: Card) -> None:
    from physiosynth.families.wearable.generator.card import DATA_CARD, MODEL_CARD

    with st.expander("Training details and file hashes", icon=":material/fingerprint:"):
        st.markdown("\n".join(f"- {name}: {plain(value)}" for name, value in card.training.items()))
        files = [{"File": name, "SHA-256": digest} for name, digest in card.files.items()]
        st.dataframe(files, hide_index=True, width="stretch")
    with st.expander("Licence", icon=":material/gavel:"):
        st.text(card.licence)
    if MODEL_CARD in card.texts:
        with st.expander("Model card", icon=":material/description:"):
            st.markdown(smaller(card.texts[MODEL_CARD]))
    if DATA_CARD in card.texts:
        with st.expander("Data card", icon=":material/groups:"):
            st.markdown(smaller(card.texts[DATA_CARD]))


def evaluation_text() -> str:
    """The project's page on its judges, where this bundle is the one that it speaks of; else empty."""
    from physiosynth.families.wearable.generator.card import EVALUATION

    model = session.generator()
    if model is None:
        return ""
    texts = _card(model.info.bundle_sha256, session.paths().milestones, model).texts
    return smaller(texts.get(EVALUATION, ""))


def plain(text: str) -> str:
    """Markdown of a bundle without pictures and without links into folders: a page loads nothing from elsewhere."""
    text = text.replace("![", "[")
    return re.sub(r"\[([^\]]*)\]\((?!https?://)[^)]*\)", r"\1", text)


def smaller(text: str) -> str:
    """A whole document below the headings of a page."""
    return re.sub(r"^(#+) ", lambda found: "#" * min(6, len(found.group(1)) + 3) + " ", plain(text), flags=re.MULTILINE)


@st.cache_resource(max_entries=4, show_spinner=False)
def _card(bundle_sha256: str, milestones: str, _model: WESADGenerator) -> Card:
    from physiosynth.families.wearable.generator.card import card_of

    return card_of(_model, milestones)
