"""Reading a metrics page."""

from prometheus_client.parser import text_string_to_metric_families


class Snapshot:
    """One page of the text format, parsed."""

    def __init__(self, text: str):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def values(self, name: str, **labels) -> list[float]:
        """The values of all series of `name` with these labels."""
        return [s.value for s in self.samples if s.name == name and all(s.labels.get(key) == value for key, value in labels.items())]

    def total(self, name: str, **labels) -> float:
        """The sum over all series of `name` with these labels."""
        return sum(self.values(name, **labels))

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Sums of `name` for each value of `label` (series without it count under the empty string)."""
        result: dict[str, float] = {}
        for sample in self.samples:
            if sample.name == name:
                key = sample.labels.get(label, "")
                result[key] = result.get(key, 0) + sample.value
        return {key: value for key, value in result.items() if value}

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}
