"""Word vectors trained by several workers that exchange what they learn: processes on a Ray cluster, or logical ones.

Every worker has tables of its own and trains a part of the text with the native engine. From time to time all exchange
the changes of the most frequent words, more often those of the most frequent (:mod:`.schedule`), and of each word the
changes of all workers are combined (:mod:`.merging`). A whole exchange leaves all workers with equal tables: there the
training can stop, be saved, and go on with another number of workers.
"""
