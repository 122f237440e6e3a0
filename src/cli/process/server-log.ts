import type { LogEntry } from '../../events/log-entry.ts'
import type { EntryObserver, ExecutionObserver } from '../../engine/observers/execution-observer.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import type { Output } from './console.ts'
import type { StrayReport } from './stray-faults.ts'
import { toPlainLine } from '../render/text.ts'
import { cutText, toWellFormedJson } from '../../text.ts'

/** Log levels: each includes everything to its right. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** Minimum level that is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A logger of all levels. */
export interface ServerLog extends Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Maximum number of lines that wait for the log's reader; further ones are dropped and counted. */
const MAX_WAITING_LINES = 1000

/**
 * A log of one line of JSON per message: `time` (ISO 8601), `level`, `message`, then the fields.
 *
 * A slow or absent reader costs a bounded number of lines and never blocks the server.
 */
export function createServerLog(output: Output, least: LogLevel): ServerLog {
  let waitingCount = 0
  let droppedCount = 0
  const write = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return
    if (waitingCount >= MAX_WAITING_LINES) {
      droppedCount += 1
      return
    }
    const dropped = droppedCount === 0 ? {} : { droppedCount }
    droppedCount = 0
    waitingCount += 1
    const own = { time: new Date().toISOString(), level, message }
    // Own fields come first, and no other field overrides one.
    const line = toWellFormedJson(JSON.stringify({ ...own, ...fields, ...dropped, ...own }))
    // Invariant: `Output` never rejects.
    void output.write(`${toPlainLine(line)}\n`).then(() => (waitingCount -= 1))
  }
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
  }
}

/** Maximum logged length of a stray fault, characters. */
const MAX_STRAY = 8192

/** Logs stray faults, with their stacks. */
export function createStrayLog(log: ServerLog): StrayReport {
  return {
    fault: error =>
      log.error('Unhandled error, probably in a tool', {
        error: cutText(describeError(error), MAX_STRAY),
      }),
    leftOut: count => log.error('Further unhandled errors are not logged', { count }),
  }
}

/** Maximum length of a logged path, characters: clients choose it freely. */
const MAX_PATH = 500

/** Paths that probes and scrapers poll every few seconds. */
const POLLED: ReadonlySet<string> = new Set(['/healthz', '/metrics'])

/** Matches the path of one execution. */
const OF_EXECUTION = /^\/executions\/([A-Za-z0-9_-]{1,128})(?:\/|$)/

/**
 * Logs every request once its headers are answered: method, path, status, time. Never a header, a body or a query, which may
 * contain secrets.
 */
export function logRequests(
  fetch: (request: Request) => Promise<Response>,
  log: ServerLog,
): (request: Request) => Promise<Response> {
  return async request => {
    const startedAt = performance.now()
    const response = await fetch(request)
    const { status, headers } = response
    const path = new URL(request.url).pathname.slice(0, MAX_PATH)
    const executionId = headers.get('execution-id') ?? OF_EXECUTION.exec(path)?.[1]
    const ms = round(performance.now() - startedAt)
    const fields = { method: request.method, path, status, ms, ...(executionId !== undefined && { executionId }) }
    if (status >= 500) log.error('request', fields)
    else if (POLLED.has(path)) log.debug('request', fields)
    else log.info('request', fields)
    return response
  }
}

/**
 * Logs start and end of each execution, once they are stored: counts, time, tokens and cost. Never a name, an argument, an
 * output or an error: those are user content.
 */
export function observeExecutions(log: ServerLog): ExecutionObserver {
  const observer: EntryObserver = { onEntry: entry => logTurn(entry, log) }
  return { observe: () => observer }
}

function logTurn({ type, data }: LogEntry, log: ServerLog): void {
  const { executionId } = data
  if (type === 'execution_start') {
    const { totalTasks, schedule } = data
    log.info('execution started', { executionId, totalTasks, schedule })
  }
  if (type !== 'execution_complete') return
  const { status, reason, totalTasks, successCount, errorCount, skippedCount, cancelledCount } = data
  const { toleratedCount, tokenUsage } = data
  log.info('execution ended', {
    executionId,
    status,
    ...(reason && { reason: reason.code }),
    totalTasks,
    successCount,
    errorCount,
    skippedCount,
    cancelledCount,
    ...(toleratedCount !== undefined && { toleratedCount }),
    ms: round(data.totalExecutionTimeMs),
    ...(tokenUsage && { tokensIn: tokenUsage.totalTokensIn, tokensOut: tokenUsage.totalTokensOut }),
    ...(tokenUsage?.totalCost !== undefined && { costUsd: tokenUsage.totalCost }),
  })
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
