import { CODE_FOLDER } from '../package-root.ts'
import type { Colors } from 'picocolors/types.js'
import { describeValue } from '../../errors.ts'
import { toPlainLine } from '../render/text.ts'
import { shortenText } from '../../text.ts'

/** Receives stray faults. */
export interface StrayReport {
  /** Reports one fault: any thrown value. Must not throw. */
  fault(error: unknown): void
  /** Reports `count` suppressed faults. Must not throw. */
  leftOut(count: number): void
}

/** Maximum number of faults reported per period; further ones are counted. */
const MAX_TOLD = 20
const PERIOD_MS = 60_000

/**
 * Uncaught exceptions and unhandled rejections, mostly from a timer or a promise that a tool left behind.
 *
 * A stray fault ends neither the process nor the execution and does not change the exit code. At most 20 faults a minute are
 * reported.
 */
export class StrayFaults {
  #report: StrayReport
  readonly #now: () => number
  #periodStart = Number.NEGATIVE_INFINITY
  #toldCount = 0
  #leftOutCount = 0

  /** @param now monotonic time, ms */
  constructor(report: StrayReport, now: () => number = () => performance.now()) {
    this.#report = report
    this.#now = now
  }

  /** Redirects faults to `report`. */
  reportTo(report: StrayReport): void {
    this.#report = report
  }

  /** Records one fault. Never throws. */
  take(error: unknown): void {
    const now = this.#now()
    if (now - this.#periodStart >= PERIOD_MS) {
      this.tellRest()
      this.#periodStart = now
      this.#toldCount = 0
    }
    if (this.#toldCount >= MAX_TOLD) {
      this.#leftOutCount += 1
      return
    }
    this.#toldCount += 1
    this.#report.fault(error)
  }

  /** Reports the number of faults suppressed since the last report, if any. */
  tellRest(): void {
    if (this.#leftOutCount > 0) this.#report.leftOut(this.#leftOutCount)
    this.#leftOutCount = 0
  }
}

/** Reports faults as warnings for people, one line each. @param tell receives lines that are safe for a terminal */
export function createStrayLines(tell: (line: string) => void, colors: Colors): StrayReport {
  const warn = (text: string): void => tell(`${colors.yellow('warning')} ${toPlainLine(text)}`)
  return {
    fault: error => warn(describeStray(error)),
    leftOut: count => warn(`${count.toLocaleString('en-US')} more unhandled errors were dropped`),
  }
}

/** Maximum length of a message and of a stack frame, characters. */
const MAX_MESSAGE = 500
const MAX_PLACE = 200
/** Maximum number of stack frames shown for a fault in dagstream itself. */
const MAX_PLACES = 8

/** The folder of dagstream's own code. */
const OWN_FOLDER = CODE_FOLDER.href

/** Describes a thrown value in one line of bounded length. Never throws. */
export function describeStray(error: unknown): string {
  const places = findPlaces(error)
  const isOurs = places.some(isOwn) && places.every(place => isOwn(place) || place.includes('node:'))
  const origin = isOurs ? 'in dagstream itself: please report it' : 'probably in a tool'
  // The first frame outside Node.js is the most useful; a fault of dagstream itself needs the full path.
  const shown = isOurs ? places.slice(0, MAX_PLACES) : places.filter(place => !place.includes('node:')).slice(0, 1)
  const at = shown.map(place => `, at ${shortenText(place, MAX_PLACE)}`).join('')
  return `Unhandled error, ${origin}; the command continues: ${describeThrown(error)}${at}`
}

function isOwn(place: string): boolean {
  return place.includes(OWN_FOLDER)
}

function describeThrown(error: unknown): string {
  try {
    if (typeof error !== 'object' || error === null) return describeValue(error)
    const { message, cause } = error as { readonly message?: unknown; readonly cause?: unknown }
    if (typeof message !== 'string') return 'an object that is not an Error'
    const text = shortenText(error instanceof Error ? String(error) : message, MAX_MESSAGE)
    return cause instanceof Error ? `${text} (caused by ${shortenText(String(cause), MAX_MESSAGE)})` : text
  } catch {
    return 'the thrown value cannot be shown'
  }
}

function findPlaces(error: unknown): string[] {
  try {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return []
    // The message precedes the frames, and its lines may resemble them.
    const head = String(error)
    const lines = error.stack.slice(error.stack.startsWith(head) ? head.length : 0).split('\n')
    return lines.flatMap(line => /^ +at (.*)$/.exec(line)?.[1] ?? [])
  } catch {
    return []
  }
}
