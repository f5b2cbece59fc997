/** The families of models: one row each, and what reads the outputs of a model of that family. */
import type { Box } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { inputSize, type Decode, type ModelSpec } from '../../core/model.ts';
import { decodeCenternet } from './centernet.ts';
import { checkNumbers, type Outputs } from './outputs.ts';

export interface FamilyDecode {
  (outputs: Outputs, scoreThreshold: number, spec: ModelSpec, size: { width: number; height: number }): Box[];
}

export const FAMILIES: Readonly<Record<string, FamilyDecode>> = {
  centernet: decodeCenternet,
};

/** @throws FaultError CV_MODEL_FAMILY */
export function decoderOf(spec: ModelSpec): Decode {
  const decode = FAMILIES[spec.family];
  if (!decode) throw new FaultError('CV_MODEL_FAMILY', { model: spec.id, family: spec.family, known: Object.keys(FAMILIES).join(', ') });
  const size = inputSize(spec.input);
  return (outputs, scoreThreshold) => {
    checkNumbers(outputs, spec.id);
    return decode(outputs, scoreThreshold, spec, size);
  };
}
