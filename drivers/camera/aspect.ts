/** How a clip is meant to be shown. Pictures are stretched to a detector's input; people want them in proportion. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const probed = z.object({
  streams: z.tuple([z.object({
    width: z.int().positive(),
    height: z.int().positive(),
    /** "4:3"; "0:1" and "N/A" where the file does not say. */
    sample_aspect_ratio: z.string().optional(),
    side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
  })]),
});

/** Width over height; undefined when ffprobe cannot tell, which takes nothing away but the right proportion on a screen. */
export async function shownAspect(path: string, signal: AbortSignal): Promise<number | undefined> {
  const args = ['-v', 'error', '-protocol_whitelist', 'file,pipe', '-select_streams', 'v:0', '-show_entries', 'stream=width,height,sample_aspect_ratio:stream_side_data=rotation', '-of', 'json', '-i', `file:${path}`];
  const stream = await run('ffprobe', args, { signal, shell: false }).then(({ stdout }) => probed.safeParse(JSON.parse(stdout)).data?.streams[0]).catch(() => undefined);
  if (!stream) return undefined;
  const [across, down] = (stream.sample_aspect_ratio ?? '').split(':').map(Number);
  const aspect = (stream.width / stream.height) * (across && down ? across / down : 1);
  const isTurned = stream.side_data_list?.some(({ rotation = 0 }) => Math.abs(rotation % 180) === 90);
  return isTurned ? 1 / aspect : aspect;
}
