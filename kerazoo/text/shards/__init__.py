r"""A corpus larger than memory, from files of text: counted and encoded in parts, which a killed run keeps.

The steps are functions of paths and plain values. They share a work folder beside the file of the corpus, so any runner
that has the folder on all machines can call them one by one; :func:`encode_units` is that, with threads:

1. :func:`plan_units`\ ``(files)``: files are cut and grouped into units of about 64 MiB of text;
2. :func:`scan_unit`\ ``(unit, folder, options)``, a task for each unit: its text is read, decompressed and scanned
   once. It leaves parts: provisional ids, and a word table with counts, sorted into buckets by a hash of the words.
   A part ends where its table is full, so the memory of a task has a bound. :func:`find_unit` finds finished units;
3. :func:`plan_buckets`\ ``(folder, parts, ...)`` groups the buckets. :func:`merge_buckets`\ ``(folder, parts, ...)``,
   a task for each group, sums the counts over all parts and keeps the words that occur `min_count` times;
4. :func:`select`\ ``(folder, merged, limits)``: the vocabulary, from the kept words alone;
5. :func:`map_part`\ ``(folder, part, ...)``, a task for each part: final ids of its words;
6. :func:`place_parts`\ ``(parts, n_kept)``: where each part stands in the corpus;
7. :func:`remap_part`\ ``(folder, part, ...)``, a task for each part, on one machine: writes its final ids and the ends
   of its documents to their places in the file.

A task that fails or is lost can be run again, also while the lost one still runs: files get names that were never used,
and count when a record or a returned value names them.

>>> import tempfile
>>> from pathlib import Path
>>> from kerazoo.text import EncodedCorpus
>>> from kerazoo.text.encoding import Limits
>>> with tempfile.TemporaryDirectory() as folder:
...     for number in range(3):
...         _ = (Path(folder) / f"{number}.txt").write_text("a rose is a rose\n")
...     units = plan_units(sorted(Path(folder).iterdir()), unit_bytes=20)
...     target = Path(folder) / "corpus"
...     encode_units(units, target, Limits(1, None, None, None), kind="kerazoo.corpus")
...     corpus = EncodedCorpus.load(target, mmap=False)
>>> len(units), corpus
(3, EncodedCorpus(3 documents, 15 tokens of 15 raw words, 3 words in the vocabulary))
"""

from kerazoo.text.shards.encoding import encode_units
from kerazoo.text.shards.folder import WorkFolder, work_folder_of
from kerazoo.text.shards.merging import merge_buckets, plan_buckets, select, write_known
from kerazoo.text.shards.plan import Piece, Unit, is_large, plan_units
from kerazoo.text.shards.scanning import ScanOptions, UnitInfo, find_unit, scan_unit
from kerazoo.text.shards.tasks import RunTasks, in_threads
from kerazoo.text.shards.writing import map_part, place_parts, remap_part

__all__ = [
    "Piece",
    "RunTasks",
    "ScanOptions",
    "Unit",
    "UnitInfo",
    "WorkFolder",
    "encode_units",
    "find_unit",
    "in_threads",
    "is_large",
    "map_part",
    "merge_buckets",
    "place_parts",
    "plan_buckets",
    "plan_units",
    "remap_part",
    "scan_unit",
    "select",
    "work_folder_of",
    "write_known",
]
