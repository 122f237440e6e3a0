import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const library = new URL('../../dist/index.js', import.meta.url)
const child = fileURLToPath(new URL('heap-child.mjs', import.meta.url))

/** As many executions, each of which holds some 20 KiB while it runs. */
const EXECUTIONS = 6000

/** What an execution may leave behind, bytes: far less than any part of it, more than the noise of a heap. */
const MAX_LEFT_BYTES = 300

test('executions of every ending leave the heap as it was, and the process exits by itself', {
  timeout: 60_000,
}, async () => {
  if (!existsSync(library)) throw new Error('There is no dist/index.js: run `npm run build` first')
  const args = ['--expose-gc', '--unhandled-rejections=strict', child, library.href, String(EXECUTIONS)]
  // It is killed, and the test fails, if anything keeps it alive.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 })
  const { executions, before, after } = JSON.parse(stdout) as { executions: number; before: number; after: number }
  const left = (after - before) / executions
  console.log(`heap: ${before} bytes before, ${after} after ${executions} executions: ${left.toFixed(1)} bytes each`)
  expect(stderr).toBe('')
  expect(left).toBeLessThan(MAX_LEFT_BYTES)
})
