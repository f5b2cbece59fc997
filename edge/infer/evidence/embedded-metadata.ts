/** What is written inside a picture's file, so that it can be read without us: EXIF for every program, XMP for the rest. Pure. */
import { VERSION } from '../../../core/version.ts';
import { escapeXml } from './annotation.ts';

export interface PictureFacts {
  edge: string;
  centre: string;
  camera: string;
  /** ms UTC, and whether our own clock was set when it was stamped. */
  at: number;
  isClockSet: boolean;
  frame: number;
  model: string;
  modelVersion: string;
  points: readonly string[];
  blurred: boolean;
  /** sub: the one that is looked at. */
  stream: 'main' | 'sub';
  /** Of the main stream: by how much it is later than what the event was seen in. */
  laterMs?: number;
}

const CHINA_MS = 8 * 3_600_000;

/** `2026-11-28 22:30:15`, by the time in China. */
export const chinaTime = (at: number): string => new Date(at + CHINA_MS).toISOString().slice(0, 19).replace('T', ' ');

export function embeddedMetadata(facts: PictureFacts): { exif: Record<string, string>; xmp: string } {
  const { edge, centre, camera, at, isClockSet, frame, model, modelVersion, points, blurred, stream, laterMs } = facts;
  const clock = isClockSet ? 'edge' : 'unsynced';
  const own = {
    centre,
    edge,
    camera,
    at: new Date(at).toISOString(),
    clock,
    frame,
    points: points.join(' '),
    model,
    modelVersion,
    blurred,
    stream,
    ...(laterMs !== undefined && { laterMs }),
  };
  const attributes = Object.entries(own)
    .map(([name, value]) => `cv:${name}="${escapeXml(String(value))}"`)
    .join(' ');
  return {
    exif: {
      ImageDescription: `${centre}/${edge}/${camera} ${points.join(' ')}; ${model} ${modelVersion}; ${blurred ? 'faces blurred' : 'not blurred'}; ${stream} stream${laterMs === undefined ? '' : `, ${laterMs} ms after the event`}; clock ${clock}`,
      Software: `cityvitals ${VERSION}`, DateTime: chinaTime(at).replaceAll('-', ':'), Model: camera,
    },
    xmp: `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:cv="urn:cityvitals:evidence:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="${new Date(at).toISOString()}" xmp:CreatorTool="cityvitals ${VERSION}" ${attributes}/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`,
  };
}
