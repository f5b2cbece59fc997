/**
 * Writes WebAssembly: as much of it as `fit-rows.ts` needs to work on eight numbers at once, which JavaScript cannot. An
 * instruction is the codes of what it takes, and its own. Pure.
 *
 * @see https://webassembly.github.io/spec/core/binary/index.html
 */

/** Neither Node's types nor the language's have it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer };
  Instance: new (module: object, imports: object) => { exports: unknown };
};

export type WasmCode = readonly number[];

export interface WasmVariable {
  get: WasmCode;
  set(value: WasmCode): WasmCode;
  /** Sets it and is its value. */
  tee(value: WasmCode): WasmCode;
}

/** A function that gives nothing back: it works on the memory. */
export interface WasmKernel<Name extends string = string> {
  name: Name;
  /** Whole numbers of 32 bits. */
  parameters: readonly string[];
  /** Its other variables, 128 bits each. */
  vectors: readonly string[];
  body(variable: (name: string) => WasmVariable): WasmCode;
}

/** One's own memory, and what can be done to it. */
export interface WasmModule<Name extends string> {
  memory: ArrayBuffer;
  run: Record<Name, (...parameters: number[]) => void>;
}

const [I32, V128, NOTHING] = [0x7f, 0x7b, 0x40];
const PAGE_BYTES = 65_536;

/** LEB128: seven bits a byte. */
const whole = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...whole(value >>> 7)]);
const signed = (value: number): number[] =>
  value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
const listed = (items: readonly WasmCode[]): number[] => [...whole(items.length), ...items.flat()];
const sized = (code: WasmCode): number[] => [...whole(code.length), ...code];
const named = (name: string): number[] => sized([...Buffer.from(name)]);

const scalar = (opcode: number) => (...operands: WasmCode[]): WasmCode => [...operands.flat(), opcode];
const vector = (opcode: number) => (...operands: WasmCode[]): WasmCode => [...operands.flat(), 0xfd, ...whole(opcode)];
/** What reads or writes memory at a place and so many bytes on. */
const memory =
  (opcode: number) =>
  (offset: number, ...operands: WasmCode[]): WasmCode => [...operands.flat(), 0xfd, ...whole(opcode), 0, ...whole(offset)];

export const i32Const = (value: number): WasmCode => [0x41, ...signed(value)];
export const i32Add = scalar(0x6a);
const isBelow = scalar(0x49);
/** The number that stands at a place and so many bytes on. */
export const i32Load = (offset: number, place: WasmCode): WasmCode => [...place, 0x28, 0, ...whole(offset)];

export const vectors = {
  load: memory(0x00), store: memory(0x0b),
  /** Four bytes in place of one of the four numbers. */
  loadLane32: (lane: number, place: WasmCode, value: WasmCode): WasmCode => [...memory(0x56)(0, place, value), lane],
  /** Eight bytes, as eight numbers. */
  loadBytes: memory(0x02),
  loadEverywhere32: memory(0x09),
  /** Sixteen bytes by their numbers: 0 to 15 of the first, 16 to 31 of the second. */
  shuffle: (bytes: readonly number[], first: WasmCode, second: WasmCode): WasmCode => [...first, ...second, 0xfd, 0x0d, ...bytes],
  everywhere16: vector(0x10),
  shiftLeft16: vector(0x8b), add16: vector(0x8e), subtract16: vector(0x91),
  /** What is more than 16 bits hold becomes the greatest that they do. */
  addSaturating16: vector(0x8f),
  least16: vector(0x96), greatest16: vector(0x98),
  /** a × b ÷ 32,768, rounded. */
  share16: vector(0x82),
  /** Four sums of two products each. */
  pairSums32: vector(0xba),
  toFloats: vector(0xfa), addFloats: vector(0xe4), multiplyFloats: vector(0xe6),
} as const;

/** Does it all and adds the step, once, and again while the variable is below the end. */
export function countedLoop(variable: WasmVariable, step: number, end: WasmCode, ...body: readonly WasmCode[]): WasmCode {
  return [0x03, NOTHING, ...body.flat(), ...isBelow(variable.tee(i32Add(variable.get, i32Const(step))), end), 0x0d, 0, 0x0b];
}

/** Compiled once; every workshop has a memory of its own. */
export function compileKernels<Name extends string>(kernels: readonly WasmKernel<Name>[]): (bytes: number) => WasmModule<Name> {
  const section = (id: number, items: readonly WasmCode[]) => [id, ...sized(listed(items))];
  const module = new WebAssembly.Module(Uint8Array.from([
    ...Buffer.from('\0asm'), 1, 0, 0, 0,
    ...section(1, kernels.map(({ parameters }) => [0x60, ...listed(parameters.map(() => [I32])), 0])),
    ...section(2, [[...named('env'), ...named('memory'), 2, 0, 1]]),
    ...section(3, kernels.map((_, at) => whole(at))),
    ...section(7, kernels.map(({ name }, at) => [...named(name), 0, ...whole(at)])),
    ...section(10, kernels.map((kernel) => sized(functionOf(kernel)))),
  ]));
  return (bytes) => {
    const own = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: own } });
    return { memory: own.buffer, run: exports as WasmModule<Name>['run'] };
  };
}

function functionOf({ parameters, vectors: own, body }: WasmKernel): WasmCode {
  const names = [...parameters, ...own];
  const code = body((name) => {
    const at = whole(names.indexOf(name));
    return { get: [0x20, ...at], set: (value) => [...value, 0x21, ...at], tee: (value) => [...value, 0x22, ...at] };
  });
  return [...listed([[...whole(own.length), V128]]), ...code, 0x0b];
}
