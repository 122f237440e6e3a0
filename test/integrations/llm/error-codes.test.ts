import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const project = fileURLToPath(new URL('../../../', import.meta.url))

/** Runs the check on a copy of the project in which some files are changed. */
async function check(changes: Readonly<Record<string, (text: string) => string>> = {}): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), 'error-codes-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const path of ['src', 'docs/error-codes.md']) cpSync(join(project, path), join(root, path), { recursive: true })
  for (const [path, change] of Object.entries(changes)) {
    const before = readFileSync(join(root, path), 'utf8')
    const after = change(before)
    expect(after).not.toBe(before)
    writeFileSync(join(root, path), after)
  }
  return new Promise(resolve => {
    const script = join(project, 'scripts/check-error-codes.mjs')
    execFile(process.execPath, [script, root], (error, stdout, stderr) => {
      expect(error === null).toBe(stderr === '')
      resolve((stderr || stdout).trim().split('\n'))
    })
  })
}

test('every error code is declared once and documented', async () => {
  expect(await check()).toEqual([expect.stringMatching(/^\d+ error codes, each declared once and documented$/)])
})

const streamErrors = 'src/integrations/llm/stream-error.ts'

test.each<[what: string, path: string, change: (text: string) => string, expected: string[]]>([
  [
    'a number that two codes share',
    streamErrors,
    text => text.replace('RATE_LIMIT: 2001', 'RATE_LIMIT: 2000'),
    [
      'StreamErrorCode: 2000 is declared twice',
      'StreamErrorCode: 2000 PROVIDER_RATE_LIMIT is not in docs/error-codes.md',
      'StreamErrorCode: docs/error-codes.md has 2001 PROVIDER_RATE_LIMIT, which is not declared',
    ],
  ],
  [
    'a code that is not documented',
    streamErrors,
    text => text.replace('  INVALID_REQUEST: 4000,', '  INVALID_REQUEST: 4000,\n  NEW_CODE: 4003,'),
    ['StreamErrorCode: 4003 NEW_CODE is not in docs/error-codes.md'],
  ],
  [
    'a name that is declared twice',
    'src/errors.ts',
    text => text.replace("  | 'INVALID_TOOL'", "  | 'INVALID_TOOL'\n  | 'FENCED'"),
    ['DagstreamErrorCode: FENCED is declared twice'],
  ],
  [
    'a new code that is thrown',
    'src/errors.ts',
    text => text.replace("  | 'INVALID_TOOL'", "  | 'INVALID_TOOL'\n  | 'NEW_CODE'"),
    ['DagstreamErrorCode: NEW_CODE is not in docs/error-codes.md'],
  ],
  [
    'a new code of a task',
    'src/events/events.ts',
    text => text.replace("  | 'TASK_TIMEOUT'", "  | 'TASK_TIMEOUT'\n  | 'NEW_CODE'"),
    ['TaskCode: NEW_CODE is not in docs/error-codes.md'],
  ],
  [
    'a new code of a workflow',
    'src/workflow/document.ts',
    text => text.replace("  | 'CYCLE'", "  | 'CYCLE'\n  | 'NEW_CODE'"),
    ['IssueCode: NEW_CODE is not in docs/error-codes.md'],
  ],
  [
    'a new problem',
    'src/http/security/host-guard.ts',
    text => text.replace("'HOST_NOT_ALLOWED'", "'NEW_CODE'"),
    [
      'Problems: NEW_CODE is not in docs/error-codes.md',
      'Problems: docs/error-codes.md has HOST_NOT_ALLOWED, which is not declared',
    ],
  ],
  [
    'a row for a code that there is not',
    'docs/error-codes.md',
    text => text.replace('| `CYCLE` |', '| `CYCLE` | again |\n| `CYCLE` |\n| `GONE` |'),
    [
      'IssueCode: docs/error-codes.md has two rows for CYCLE',
      'IssueCode: docs/error-codes.md has GONE, which is not declared',
    ],
  ],
  [
    'a declaration that has moved',
    'src/events/events.ts',
    text => text.replace('export type ReasonCode =', 'export type Reasons ='),
    ['ReasonCode: no code is found; has its declaration moved?'],
  ],
])('%s is refused', async (_, path, change, expected) => {
  expect(await check({ [path]: change })).toEqual(expected)
})
