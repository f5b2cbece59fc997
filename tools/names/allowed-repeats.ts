/** Names that several files may export, each with its reason: whoever plays a role that others play too is called by it. At most forty. */
export const ALLOWED_REPEATS: Readonly<Record<string, string>> = {
  define: 'each file of a CLI command adds it to the program',
  run: 'the main of a rig is started by it',
  peers: 'each file of independent peers lists its own',
  open: 'every driver opens its device: driver contract',
  decode: 'every driver decodes its frames: driver contract',
  probe: 'every driver probes its device: driver contract',
  examine: 'drivers that examine the machine before they open: driver contract',
  discover: 'drivers that find devices: driver contract',
  write: 'drivers that write points: driver contract',
  settings: 'every driver declares its settings: driver contract',
  point: 'every driver declares what a point may hold: driver contract',
  frameReader: 'drivers that read frames from text or bytes: driver contract',
  recording: 'drivers that can be recorded: driver contract',
  double: 'the contract suite imports the test double of each driver and sink by it',
  doubleVariants: 'the contract suite imports further test doubles of a driver by it',
};
