import { PACKAGE_ROOT } from '../package-root.ts'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

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
