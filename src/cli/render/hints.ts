import { PACKAGE_ROOT } from '../package-root.ts'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import { quoteWord } from '../process/shell.ts'
import { toPlainLine } from './text.ts'

const REPORT = fileURLToPath(new URL('fixtures/repository-report.json', PACKAGE_ROOT))

/** Next steps after the workflow of `npm start`; empty after any other. */
export function hintsFor(file: string, cwd: string): string {
  if (resolve(cwd, file) !== REPORT) return ''
  return `
What to try next:
  npm start -- --schedule dataflow          each task as soon as its own dependencies are done: compare the times
  npm start -- --sse                        the same execution as Server-Sent Events
  node dist/cli/main.js serve --tools fixtures/repository-tools.mjs      the same over HTTP
  node dist/cli/main.js graph ${file}
  node dist/cli/main.js run fixtures/hello.json      a small one to edit
`
}

/** Failed tasks that a command names at most: all that did not succeed run again anyway. */
const MAX_NAMED = 3

/** The command that runs again what did not succeed; empty after a success. */
export function describeFork(
  { executionId, status, errors }: Pick<ExecutionResult, 'executionId' | 'status' | 'errors'>,
  flags: { readonly store: string; readonly tools?: string; readonly mcp?: string },
  { command }: { readonly command: string },
): string {
  if (status === 'success') return ''
  const from = errors.slice(0, MAX_NAMED).map(({ taskId }) => `--from ${quoteWord(toPlainLine(taskId))}`)
  const given = (['store', 'tools', 'mcp'] as const).flatMap(name => {
    const value = flags[name]
    return value === undefined ? [] : [`--${name} ${quoteWord(value)}`]
  })
  const line = [command, 'executions fork', executionId, ...from, ...given].join(' ')
  return `To run again what did not succeed:\n  ${line}\n`
}
