import picocolors from 'picocolors'
import { expect, test } from 'vitest'
import { Output } from '../../src/cli/console.ts'
import { reportError } from '../../src/cli/report-error.ts'
import { DagstreamError } from '../../src/index.ts'
import { FakeProcess } from './fake-process.ts'

test('of an execution that could not be recorded it is told why', async () => {
  const process = new FakeProcess()
  const cause = new DagstreamError('STORE_FAILED', 'The store `runs.db` has no room left on its disk')
  const error = new DagstreamError('STORE_FAILED', 'Execution `x` could not be recorded', { cause })
  const code = await reportError(error, {
    process,
    stdout: new Output(process.stdout),
    stderr: new Output(process.stderr),
    colors: picocolors.createColors(false),
  })
  const told = 'error Execution `x` could not be recorded: The store `runs.db` has no room left on its disk\n'
  expect([code, process.stderr.text]).toEqual([1, told])
})
