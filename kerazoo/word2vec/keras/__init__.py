"""The Keras side of word2vec: model, layers, losses, optimizer and the block step."""
