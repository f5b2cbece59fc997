/**
 * Recorded cases: `drivers/<id>/recorded/<case>/` with `case.yaml`, `traffic.jsonl` (bytes) or `frames.jsonl`
 * (frames), and `expected.jsonl`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ResultLine } from '../result-lines.ts';

const caseFile = z.strictObject({
  driver: z.string(),
  /** Id of the device in the samples. */
  device: z.string().default('device'),
  /** What is recorded, from where (device, maker's document, built by hand) and under which licence. */
  title: z.string(),
  source: z.string(),
  licence: z.string(),
  level: z.enum(['bytes', 'frames']),
  /** ISO 8601 or ms UTC; times in traffic count from here. */
  startsAt: z.union([z.number(), z.string().transform((text) => Date.parse(text))]),
  settings: z.record(z.string(), z.unknown()).default({}),
  points: z.array(z.looseObject({ id: z.string() })).default([]),
});

/** A line of traffic: `in` comes from the device. */
export interface TrafficLine {
  afterUs: number;
  conn: number;
  dir: 'in' | 'out';
  bytes: string;
}

/** What a case must give, line by line: samples and faults in the form of `--json`. */
export type CaseLine = ResultLine;

export interface Case extends z.infer<typeof caseFile> {
  name: string;
  folder: string;
  traffic: TrafficLine[];
  frames: unknown[];
  expected: CaseLine[];
}

/** Every case below a `recorded` folder, by name; none when there is no such folder. */
export async function casesIn(recorded: string): Promise<Case[]> {
  const entries = await readdir(recorded, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).toSorted();
  return Promise.all(names.map((name) => readCase(join(recorded, name))));
}

/** Reads one case; throws when its files do not have the form. */
export async function readCase(folder: string): Promise<Case> {
  const head = caseFile.parse(parse(await readFile(join(folder, 'case.yaml'), 'utf8')));
  return {
    ...head,
    name: folder.split('/').at(-1) as string,
    folder,
    traffic: head.level === 'bytes' ? (await jsonLines(join(folder, 'traffic.jsonl'))) as TrafficLine[] : [],
    frames: head.level === 'frames' ? await jsonLines(join(folder, 'frames.jsonl')) : [],
    expected: (await jsonLines(join(folder, 'expected.jsonl'))) as CaseLine[],
  };
}

async function jsonLines(path: string): Promise<unknown[]> {
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
}
