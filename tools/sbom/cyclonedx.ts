/** A bill of materials as CycloneDX has it. */

/** Of a component what is read here; all of it is passed on. */
export interface BomComponent {
  'bom-ref': string;
  name: string;
  version: string;
  purl: string;
  scope?: string;
  licenses?: ({ license: { id?: string; name?: string } } | { expression: string })[];
  properties?: { name: string; value: string }[];
}

export interface Bom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  version: number;
  metadata: { timestamp: string; component: BomComponent };
  components: BomComponent[];
  dependencies: { ref: string; dependsOn?: string[] | undefined }[];
}
