/** The types of launch.js, which must stay plain JavaScript; for its test. */
export function isNewEnough(version: string): boolean;

export function chooseNode(machine: {
  readonly version: string;
  readonly execPath: string;
  readonly platform: string;
  readonly arch: string;
  readonly root: string;
}): { readonly node: string } | { readonly problem: string };
