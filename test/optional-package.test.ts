import { expect, test } from 'vitest'
import { loadOptional } from '../src/optional-package.ts'

test('a package that is not installed is named with the command that installs it', async () => {
  const name = '@dagstream/absent'
  const load = (): Promise<unknown> => import(/* @vite-ignore */ name)
  await expect(loadOptional('Traces', name, `${name}@1`, load)).rejects.toMatchObject({
    code: 'MISSING_PACKAGE',
    message:
      'Traces need the package `@dagstream/absent`, which cannot be loaded. Install it: npm install @dagstream/absent@1',
    details: { package: name },
  })
})
