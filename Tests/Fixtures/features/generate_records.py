"""Writes features as others keep them for TensorFlow: padded to a fixed length, and with rows that are not asked for.

    python3 generate_records.py OUTPUT_FOLDER
"""

import pathlib
import sys

import tensorflow as tf


def integers(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def record(ids, types, label, length=12, **more):
    padding = [0] * (length - len(ids))
    features = {
        "input_ids": integers(ids + padding),
        "token_type_ids": integers(types + padding),
        "attention_mask": integers([1] * len(ids) + padding),
        "start_positions": integers([label[0]]),
        "end_positions": integers([label[1]]),
        "weight": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
        **more,
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def main():
    name = tf.train.Feature(bytes_list=tf.train.BytesList(value=["가".encode()]))
    records = [
        record([2, 11, 12, 3, 20, 21, 22, 3], [0, 0, 0, 0, 1, 1, 1, 1], (4, 5)),
        record([2, 11, 3, 30, 3], [0, 0, 0, 1, 1], (0, 0)),
        record(list(range(2, 14)), [0] * 6 + [1] * 6, (7, 11), example_id=name),
    ]
    with tf.io.TFRecordWriter(str(pathlib.Path(sys.argv[1]) / "padded.tfrecord")) as writer:
        for one in records:
            writer.write(one)


if __name__ == "__main__":
    main()
