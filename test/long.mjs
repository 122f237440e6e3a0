// npm run test:long: the files that have a short form, in their long form.
import { startVitest } from 'vitest/node'

/** Files that import test/support/long-form.ts. */
const FILES = [
  'test/faults/posting.test.ts',
  'test/faults/recorded-stream.test.ts',
  'test/hostile/unusual-documents.test.ts',
  'test/integrations/llm/fixtures.test.ts',
  'test/store/lost-answers.test.ts',
]

process.env.LONG = '1'
const vitest = await startVitest('test', FILES, { watch: false, testTimeout: 120_000 })
await vitest.close()
