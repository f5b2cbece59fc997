/** A picture in I420: a plane of luma, then two of chroma at half the size each way, rows from the top. */
export interface Planes {
  /** Both even. */
  width: number;
  height: number;
  /** width × height × 3 / 2 bytes. */
  yuv: Uint8Array;
}
