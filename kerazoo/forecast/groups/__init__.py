"""Forecasts of more series than fit into memory: whole series in buckets, a task for each, files that are complete.

`Forecaster.fit_groups`, `predict_groups` and `cross_validation_groups` (:mod:`.mixin`) work on a folder. The rows of
the source are sorted into buckets by a hash of `unique_id` (:mod:`.partition`). What all series share, such as
networks, is fitted once, to a sample that the hash determines (:mod:`.sharing`). Then every bucket is a task of its own
(:mod:`.tasks`), in this process, in others or on a cluster (:mod:`.running`). Each writes its files whole or not at
all, and a run that was killed goes on with the tasks that are not done (:mod:`.folder`).

A forecast of a series depends on the series, the sample and the parameters: not on the number of buckets, processes or
machines.
"""
