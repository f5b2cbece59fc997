"""Runs models with onnxruntime for Python and decodes their outputs with numpy, apart from the project's own code.

usage: decode-models.py JOB.json    one JSON line a picture on stdout: { "name", "boxes": [[label, score, x1, y1, x2, y2], ...] }
A job is a list of { name, family, threshold, overlap, width, height, classes, tensors: folder for outputs } with
either graph, rgb (file of width*height*3 bytes), layout, colour, mean, scale, input; or made: a layout to make up.
Edges are fractions of the model's input, clipped to it.
"""
import json
import math
import os
import sys

import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def centre_to_corners(cx, cy, w, h):
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=-1)


def mesh(width, height, stride):
    ys, xs = np.mgrid[0:math.ceil(height / stride), 0:math.ceil(width / stride)]
    return xs.reshape(-1).astype(np.float64), ys.reshape(-1).astype(np.float64)


def best_of(classes):
    labels = classes.argmax(axis=1)
    return labels, classes[np.arange(len(labels)), labels]


def centernet(o, j):
    heat, wh = o["heatmap"][0], o["wh"][0]
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows, cols = heat.shape[1:]
    around = np.max([padded[:, dy:dy + rows, dx:dx + cols] for dy in range(3) for dx in range(3)], axis=0)
    labels, ys, xs = np.nonzero((heat == around) & (heat >= j["threshold"]))
    left, up, right, down = (wh[i][ys, xs] for i in range(4))
    pixels = np.stack([4 * xs - left, 4 * ys - up, 4 * xs + right, 4 * ys + down], axis=-1)
    return labels, heat[labels, ys, xs], pixels / np.array([j["width"], j["height"]] * 2)


def yolox(o, j):
    out = next(iter(o.values()))[0].astype(np.float64)
    boxes, at = [], 0
    for stride in (8, 16, 32):
        xs, ys = mesh(j["width"], j["height"], stride)
        part = out[at:at + len(xs)]
        at += len(xs)
        boxes.append(centre_to_corners((part[:, 0] + xs) * stride, (part[:, 1] + ys) * stride, np.exp(part[:, 2]) * stride, np.exp(part[:, 3]) * stride))
    labels, best = best_of(out[:, 5:])
    return labels, best * out[:, 4], np.concatenate(boxes) / np.array([j["width"], j["height"]] * 2)


def gfl(o, j, strides, centre):
    count = j["classes"]
    if len(o) == 1:
        whole = next(iter(o.values()))[0].astype(np.float64)
        scores, sides = whole[:, :count], whole[:, count:]
    else:
        order = sorted({v.shape[1] for v in o.values()}, reverse=True)
        pick = lambda n, is_scores: next(v[0] for v in o.values() if v.shape[1] == n and (v.shape[2] == count) == is_scores)
        scores = np.concatenate([pick(n, True) for n in order]).astype(np.float64)
        sides = np.concatenate([pick(n, False) for n in order]).astype(np.float64)
    sides = sides.reshape(len(sides), 4, -1)
    powers = np.exp(sides - sides.max(axis=2, keepdims=True))
    reach = (powers / powers.sum(axis=2, keepdims=True) * np.arange(sides.shape[2])).sum(axis=2)
    xs, ys, ss = [], [], []
    for stride in strides:
        x, y = mesh(j["width"], j["height"], stride)
        xs.append(x * stride + centre(stride))
        ys.append(y * stride + centre(stride))
        ss.append(np.full(len(x), stride))
    xs, ys, reach = np.concatenate(xs), np.concatenate(ys), reach * np.concatenate(ss)[:, None]
    pixels = np.stack([xs - reach[:, 0], ys - reach[:, 1], xs + reach[:, 2], ys + reach[:, 3]], axis=-1)
    labels, best = best_of(scores)
    return labels, best, pixels / np.array([j["width"], j["height"]] * 2)


def fastestdet(o, j):
    out = next(iter(o.values()))[0].astype(np.float64)
    rows, cols = out.shape[1:]
    ys, xs = np.mgrid[0:rows, 0:cols]
    labels = out[5:].argmax(axis=0)
    score = out[0] ** 0.6 * out[5:].max(axis=0) ** 0.4
    boxes = centre_to_corners((xs + np.tanh(out[1])) / cols, (ys + np.tanh(out[2])) / rows, sigmoid(out[3]), sigmoid(out[4]))
    return labels.reshape(-1), score.reshape(-1), boxes.reshape(-1, 4)


def yunet(o, j):
    scores, boxes = [], []
    for stride in (8, 16, 32):
        cls, obj, box = (o[f"{n}_{stride}"][0].astype(np.float64) for n in ("cls", "obj", "bbox"))
        scores.append(np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1)))
        xs, ys = mesh(j["width"], j["height"], stride)
        boxes.append(centre_to_corners((xs + box[:, 0]) * stride, (ys + box[:, 1]) * stride, np.exp(box[:, 2]) * stride, np.exp(box[:, 3]) * stride))
    scores = np.concatenate(scores)
    return np.zeros(len(scores), int), scores, np.concatenate(boxes) / np.array([j["width"], j["height"]] * 2)


def ultraface(o, j):
    scores = o["scores"][0][:, 1].astype(np.float64)
    return np.zeros(len(scores), int), scores, o["boxes"][0].astype(np.float64)


def blazeface(o, j):
    scores, boxes = [], []
    for level in ("fine", "coarse"):
        s, b = o[f"{level}_scores"][0].astype(np.float64), o[f"{level}_boxes"][0].astype(np.float64)
        places, rows, cols = s.shape
        b = b.reshape(places, 16, rows, cols)
        ys, xs = np.mgrid[0:rows, 0:cols]
        scores.append(sigmoid(s).reshape(-1))
        boxes.append(centre_to_corners((xs + 0.5) / cols + b[:, 0] / j["width"], (ys + 0.5) / rows + b[:, 1] / j["height"], b[:, 2] / j["width"], b[:, 3] / j["height"]).reshape(-1, 4))
    scores = np.concatenate(scores)
    return np.zeros(len(scores), int), scores, np.concatenate(boxes)


def yolov5(o, j):
    out = next(iter(o.values()))[0].astype(np.float64)
    labels, best = best_of(out[:, 5:])
    return labels, best * out[:, 4], centre_to_corners(*out[:, :4].T) / np.array([j["width"], j["height"]] * 2)


def yolov8(o, j):
    out = next(iter(o.values()))[0].astype(np.float64)
    if out.shape[0] == 4 + j["classes"]:
        out = out.T
    labels, best = best_of(out[:, 4:])
    return labels, best, centre_to_corners(*out[:, :4].T) / np.array([j["width"], j["height"]] * 2)


def yolo_rows(o, j):
    out = next(iter(o.values())).astype(np.float64)
    if out.ndim == 2:
        return out[:, 5].astype(int), out[:, 6], out[:, 1:5] / np.array([j["width"], j["height"]] * 2)
    return out[0, :, 5].astype(int), out[0, :, 4], out[0, :, :4] / np.array([j["width"], j["height"]] * 2)


FAMILIES = {
    "centernet": centernet, "yolox": yolox, "fastestdet": fastestdet, "yunet": yunet, "ultraface": ultraface, "blazeface": blazeface,
    "nanodet": lambda o, j: gfl(o, j, (8, 16, 32), lambda s: (s - 1) / 2),
    "nanodet-plus": lambda o, j: gfl(o, j, (8, 16, 32, 64), lambda s: 0),
    "picodet": lambda o, j: gfl(o, j, (8, 16, 32, 64), lambda s: s / 2),
    "yolov5": yolov5, "yolov8": yolov8, "yolo-rows": yolo_rows,
}


def suppress(labels, scores, boxes, j):
    keep = np.nonzero((scores >= j["threshold"]) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))[0]
    kept = []
    for at in keep[np.argsort(-scores[keep], kind="stable")]:
        if all(labels[at] != labels[k] or iou(boxes[at], boxes[k]) <= j["overlap"] for k in kept):
            kept.append(at)
    lines = []
    for at in kept:
        box = np.clip(boxes[at], 0, 1)
        if box[2] > box[0] and box[3] > box[1]:
            lines.append([int(labels[at]), float(scores[at]), *map(float, box)])
    return lines


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def made(j):
    """Made-up outputs of a layout for which no weights are at hand: scattered boxes, few high scores."""
    random = np.random.default_rng(j["seed"])
    n, classes, w, h = 3549, j["classes"], j["width"], j["height"]
    boxes = np.stack([random.uniform(0, w, n), random.uniform(0, h, n), random.uniform(4, w / 3, n), random.uniform(4, h / 3, n)], axis=1)
    scores = random.uniform(0, 1, (n, classes)) ** 2000
    if j["made"] == "yolov5":
        out = np.concatenate([boxes, random.uniform(0.5, 1, (n, 1)), scores], axis=1)[None]
    elif j["made"] == "yolov8":
        out = np.concatenate([boxes, scores], axis=1).T[None]
    elif j["made"] == "yolo-rows-6":
        out = np.concatenate([centre_to_corners(*boxes[:300].T), np.sort(random.uniform(0, 1, (300, 1)), axis=0)[::-1], random.integers(0, classes, (300, 1))], axis=1)[None]
    elif j["made"] == "yolo-rows-7":
        out = np.concatenate([np.zeros((90, 1)), centre_to_corners(*boxes[:90].T), random.integers(0, classes, (90, 1)), random.uniform(0, 1, (90, 1))], axis=1)
    else:
        cells = [math.ceil(w / s) * math.ceil(h / s) for s in (8, 16, 32, 64)]
        parts = [(random.uniform(0, 1, (1, c, classes)) ** 2000, random.normal(0, 2, (1, c, 32))) for c in cells]
        if j["made"] == "nanodet-plus":
            out = np.concatenate([np.concatenate(part, axis=2) for part in parts], axis=1)
        else:
            return {f"{name}_{at}": part.astype(np.float32) for at, pair in enumerate(parts) for name, part in zip(("scores", "sides"), pair)}
    return {"output": out.astype(np.float32)}


SESSIONS = {}


def session_of(graph):
    import onnxruntime
    if graph not in SESSIONS:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        SESSIONS[graph] = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return SESSIONS[graph]


def run(j):
    rgb = np.fromfile(j["rgb"], np.uint8).reshape(j["height"], j["width"], 3).astype(np.float32)
    picture = rgb[:, :, ::-1] if j["colour"] == "BGR" else rgb
    picture = (picture - np.array(j["mean"], np.float32)) * np.array(j["scale"], np.float32)
    if j["layout"] == "NCHW":
        picture = picture.transpose(2, 0, 1)
    session = session_of(j["graph"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {j["input"]: np.ascontiguousarray(picture[None])})))


for job in json.load(open(sys.argv[1])):
    outputs = made(job) if "made" in job else run(job)
    os.makedirs(job["tensors"], exist_ok=True)
    shapes = {}
    for name, tensor in outputs.items():
        shapes[name] = tensor.shape
        tensor.astype("<f4").tofile(os.path.join(job["tensors"], name))
    print(json.dumps({"name": job["name"], "shapes": shapes, "boxes": suppress(*FAMILIES[job["family"]](outputs, job), job)}), flush=True)
