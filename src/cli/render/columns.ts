import stringWidth from 'string-width'

/**
 * Characters of a width on which terminals agree: one column for `NARROW`, two for East Asian script. Terminals disagree on
 * combining marks and emoji.
 */
const NARROW = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u20ac]*$/
const WIDE = /^[\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]$/

/** Created on first use, because it takes a tenth of Node's own start. */
let segmenter: Intl.Segmenter | undefined

/**
 * The width of a text without control characters, terminal columns.
 *
 * `string-width` decides. Most texts skip it, because its first use takes longer than a whole command otherwise.
 */
export function countColumns(text: string): number {
  return NARROW.test(text) ? text.length : stringWidth(text)
}

/** Whether terminals agree on the width of a character. */
export function hasCertainWidth(character: string): boolean {
  return NARROW.test(character) || WIDE.test(character)
}

/** Truncates `text` to at most `columns` terminal columns, ending in `…` if cut. Never cuts what is shown as one character. */
export function fitColumns(text: string, columns: number): string {
  if (NARROW.test(text)) return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`
  segmenter ??= new Intl.Segmenter()
  let width = 0
  let cutAt = 0
  for (const { segment } of segmenter.segment(text)) {
    width += countColumns(segment)
    if (width > columns) return `${text.slice(0, cutAt)}…`
    if (width < columns) cutAt += segment.length
  }
  return text
}

/** Appends spaces up to a width, terminal columns. */
export function padColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - countColumns(text)))
}
