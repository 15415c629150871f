"""The Keras parts of word2vec: model, layer, losses, optimizer and the block step."""
