/** Names that several files may export, each with its reason: whoever plays a role that others play too is called by it. At most forty. */
export const ALLOWED_REPEATS: Readonly<Record<string, string>> = {
  define: 'every CLI command is a file that defines itself on the program',
  run: 'every rig is a folder whose main runs',
  peers: 'every file of independent peers lists its own',
  open: 'every driver opens its device, by the driver contract',
  decode: 'every driver decodes, by the driver contract',
  probe: 'every driver probes, by the driver contract',
  discover: 'drivers that can discover, by the driver contract',
  settings: 'every driver has settings, by the driver contract',
};
