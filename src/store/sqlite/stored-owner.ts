/** An owner as the tables keep it. No owner is an empty text: SQL compares NULLs as different. */
export function toText(owner: string | undefined): string {
  return owner === undefined ? '' : JSON.stringify(owner)
}
