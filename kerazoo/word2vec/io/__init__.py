"""Files of word vectors and models: values in, values out."""
