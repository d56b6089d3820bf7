"""The ten experiments of the 2021 study, to be run again beside its printed tables.

Presets, printed figures and tables load no torch; `experiment_run` does.
"""

from napari_unet.experiments.printed import PRINTED, PrintedTable
from napari_unet.experiments.result import Result, read_result
from napari_unet.experiments.study import EXPERIMENTS, Experiment, find_experiment
from napari_unet.experiments.table import markdown_table

__all__ = [
    "EXPERIMENTS",
    "PRINTED",
    "Experiment",
    "PrintedTable",
    "Result",
    "find_experiment",
    "markdown_table",
    "read_result",
]
