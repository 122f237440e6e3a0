import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url))

/**
 * Files that need a process of their own: they start programs, count handles or bytes of their process, load native code,
 * replace modules or bring an environment. Starting a process and loading the source again costs about one second of CPU
 * time per file.
 */
const APART = [
  'test/{conformance,e2e,examples,examples-react,faults,kill,leaks,machines,readers,store}/**/*.test.ts',
  'test/integrations/mcp/**/*.test.ts',
  'test/page/browser/*.test.ts',
  'test/eager/growth-limits.test.ts',
  'test/integrations/llm/failures.test.ts',
  'test/hostile/process.test.ts',
  'test/http/handler/leaks.test.ts',
  'test/eager/growth-limits.test.ts',
]

/** What both projects have. They do not extend the root, whose `maxWorkers` would then be stronger than `--maxWorkers`. */
const shared = {
  // Tests and examples see the source, however old the build is; the command line's end-to-end tests see the build.
  resolve: {
    alias: [
      { find: /^dagstream$/, replacement: source('index.ts') },
      { find: /^dagstream\/job$/, replacement: source('sse/job.ts') },
      {
        find: /^dagstream\/(sse|http|http\/node|client|store\/(?:sqlite|postgres)|dispatch\/bullmq|testing|worker|otel)$/,
        replacement: source('$1/index.ts'),
      },
      { find: /^dagstream\/(ai-sdk|ag-ui)$/, replacement: source('protocols/$1/index.ts') },
      { find: /^dagstream\/tools\/(http|mcp|llm)$/, replacement: source('integrations/$1/index.ts') },
    ],
  },
  test: {
    setupFiles: ['test/support/unhandled.ts'],
    globalSetup: ['test/support/postgres-run.ts'],
    testTimeout: 40_000,
    typecheck: { enabled: false },
  },
}

export default defineConfig({
  test: {
    // By default one core stays idle, which is half of two.
    maxWorkers: '100%',
    // The projects run in the order of their names: the long files first, so that the short ones fill the workers at the end.
    projects: [
      { ...shared, test: { ...shared.test, name: 'apart', include: APART } },
      // A worker runs the files of this project one after the other in one process, with one copy of the source.
      {
        ...shared,
        test: { ...shared.test, name: 'together', include: ['test/**/*.test.ts'], exclude: APART, isolate: false },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: {
        'src/!(cli)/**': { lines: 90, functions: 90, statements: 90 },
        'src/events/**': { lines: 95, functions: 95, statements: 95 },
        'src/cli/**': { lines: 70, functions: 70, statements: 70 },
      },
    },
  },
})
