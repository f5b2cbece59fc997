"""The same work with OpenCV and onnxruntime for Python: decode a clip, look at every n-th picture, read the boxes.

python-main.py GRAPH CLIP EVERY PICTURES WARM PAUSE_MS: says JSON with processor time after WARM pictures, and the boxes
of all; so long a pause before each makes the pace of a camera.
python-main.py GRAPH - WIDTHxHEIGHT PICTURES 0 0: the same with I420 pictures from stdin in place of a clip.
"""
import json
import os
import sys
import time

os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
import cv2
import numpy as np
import onnxruntime

GRAPH, CLIP, HOW = sys.argv[1:4]
PICTURES, WARM, PAUSE_MS = map(int, sys.argv[4:7])
SIZE, STRIDE, THRESHOLD, MAX_OVERLAP = 320, 4, 0.25, 0.4

cv2.setNumThreads(1)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])


def overlap(a, b):
    width = min(a[4], b[4]) - max(a[2], b[2])
    height = min(a[5], b[5]) - max(a[3], b[3])
    if width <= 0 or height <= 0:
        return 0
    area = lambda c: (c[4] - c[2]) * (c[5] - c[3])
    return width * height / (area(a) + area(b) - width * height)


def boxes(heat, reach):
    # A cell that is the greatest of the nine around it.
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    rows, columns = heat.shape[1:]
    greatest = np.max([padded[:, y:y + rows, x:x + columns] for y in range(3) for x in range(3)], axis=0)
    labels, ys, xs = np.where((heat >= THRESHOLD) & (heat == greatest))
    found = []
    for label, y, x in zip(labels, ys, xs):
        left, up, right, down = reach[:, y, x]
        box = [int(label), float(heat[label, y, x])] + [float(min(1, max(0, v / SIZE))) for v in (STRIDE * x - left, STRIDE * y - up, STRIDE * x + right, STRIDE * y + down)]
        if box[4] > box[2] and box[5] > box[3]:
            found.append(box)
    found.sort(key=lambda box: -box[1])
    kept = []
    for box in found[:100]:
        if all(other[0] != box[0] or overlap(other, box) <= MAX_OVERLAP for other in kept):
            kept.append(box)
    return kept


def look(rgb):
    heat, reach = session.run(["heatmap", "wh"], {"images": rgb.astype(np.float32)[None]})
    return boxes(heat[0], reach[0])


def fitted(picture):
    return cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


def of_stream():
    """BT.601 by the formula: OpenCV's own conversions are off by a level or more, in ways of their own."""
    width, height = map(int, HOW.split("x"))
    for _ in range(PICTURES):
        i420 = np.frombuffer(sys.stdin.buffer.read(width * height * 3 // 2), np.uint8)
        luma = (i420[:width * height].reshape(height, width).astype(np.float32) - 16) * (255 / 219)
        planes = i420[width * height:].reshape(2, height // 2, width // 2).astype(np.float32) - 128
        u, v = planes.repeat(2, 1).repeat(2, 2) * (255 / 224)
        yield fitted(np.stack([luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u], -1).clip(0, 255))


def of_clip():
    capture, frame, given = cv2.VideoCapture(CLIP, cv2.CAP_FFMPEG), 0, 0
    while given < PICTURES:
        if not capture.grab():
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            frame = 0
            continue
        if frame % int(HOW) == 0:
            given += 1
            time.sleep(PAUSE_MS / 1000)
            yield cv2.cvtColor(fitted(capture.retrieve()[1]), cv2.COLOR_BGR2RGB)
        frame += 1


seen, started = [], 0.0
for rgb in of_stream() if CLIP == "-" else of_clip():
    if len(seen) == WARM:
        started = time.process_time()
    seen.append(look(rgb))
print(json.dumps({"cpuMs": (time.process_time() - started) * 1000 / (PICTURES - WARM), "boxes": seen}))
