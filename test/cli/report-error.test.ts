import { expect, test } from 'vitest'
import { reportError } from '../../src/cli/render/report-error.ts'
import { DagstreamError } from '../../src/index.ts'
import { contextOf, FakeProcess } from './fake-process.ts'

test('an execution that could not be recorded is reported with its cause', async () => {
  const process = new FakeProcess()
  const cause = new DagstreamError('STORE_FAILED', 'The store `runs.db` has no space left on its disk')
  const error = new DagstreamError('STORE_FAILED', 'Execution `x` could not be recorded', { cause })
  const code = await reportError(error, contextOf(process))
  const told = 'error Execution `x` could not be recorded: The store `runs.db` has no space left on its disk\n'
  expect([code, process.stderr.text]).toEqual([1, told])
})
