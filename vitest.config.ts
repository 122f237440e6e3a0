import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig({
  // Tests and examples see the source, however old the build is; the command line's end-to-end tests see the build.
  resolve: {
    alias: [
      { find: /^dagstream$/, replacement: source('index.ts') },
      { find: /^dagstream\/job$/, replacement: source('sse/job.ts') },
      {
        find: /^dagstream\/(sse|http|http\/node|client|tools\/http|tools\/mcp|tools\/llm|store\/sqlite|testing)$/,
        replacement: source('$1/index.ts'),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/unhandled.ts'],
    testTimeout: 20_000,
    typecheck: { enabled: false },
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
