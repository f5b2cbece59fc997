/** The part of @lhncbc/ucum-lhc that is used here; the package brings no types. */
declare module '@lhncbc/ucum-lhc' {
  interface Validation {
    status: 'valid' | 'invalid' | 'error';
    ucumCode: string | null;
    msg: string[];
    suggestions?: { invalidUnit: string; units: [code: string, name: string, guidance: string | null][] }[];
  }
  interface Conversion {
    status: 'succeeded' | 'failed' | 'error';
    toVal: number | null;
    msg: string[];
  }
  export class UcumLhcUtils {
    static getInstance(): UcumLhcUtils;
    validateUnitString(code: string, suggest?: boolean): Validation;
    convertUnitTo(fromCode: string, value: number, toCode: string): Conversion;
  }
}
