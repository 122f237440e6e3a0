import type { Colors } from 'picocolors/types.js'
import type { TaskStatus } from '../../events/events.ts'

/** One glyph per task state. */
export const GLYPHS: Readonly<Record<TaskStatus | 'retry', string>> = {
  pending: '○',
  running: '●',
  waiting: '?',
  success: '✔',
  error: '✖',
  skipped: '↷',
  cancelled: '⊘',
  retry: '↻',
}

/** The glyph of a state in its colour. */
export function colorGlyph(status: TaskStatus, colors: Colors): string {
  const glyph = GLYPHS[status]
  if (status === 'success') return colors.green(glyph)
  if (status === 'error') return colors.red(glyph)
  if (status === 'running') return colors.cyan(glyph)
  if (status === 'pending') return colors.dim(glyph)
  return colors.yellow(glyph)
}
