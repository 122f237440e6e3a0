import { defineConfig } from 'vitest/config'

export default defineConfig({
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
