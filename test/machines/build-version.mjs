// node build-version.mjs FOLDER AHEAD: writes a build of the present source into FOLDER/dist whose database is AHEAD versions ahead, by
// made migrations. It stands for the next versions of dagstream, so that a checkout without history has builds that differ.
import { copyFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, listEntries } from '../../scripts/bundle.mjs'

const [folder, ahead] = process.argv.slice(2)
const here = path => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const MIGRATIONS = here('src/store/postgres/sql/migrations.ts')
const VERSION = here('src/cluster/version.ts')

/** Adds two columns to every table, and a table: all that a migration may do to tables that the previous version names. */
const migration = number => ({
  title: `made ${number}`,
  sql: `
    DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'dagstream' AND tablename <> 'versions' ORDER BY 1 LOOP
        EXECUTE format(
          'ALTER TABLE dagstream.%I ADD COLUMN made_${number} text, ADD COLUMN given_${number} integer NOT NULL DEFAULT 1', name);
      END LOOP;
    END $$;
    CREATE TABLE dagstream.made_${number} (id text PRIMARY KEY)`,
})
const made = Array.from({ length: Number(ahead) }, (_, at) => migration(at + 1))

/** Puts modules in the place of two of the source. */
const plugin = {
  name: 'made-version',
  resolveId: {
    filter: { id: /\/(?:migrations|version)\.ts$/ },
    async handler(specifier, importer) {
      if (importer?.startsWith('\0')) return null
      const resolved = await this.resolve(specifier, importer, { skipSelf: true })
      return resolved?.id === MIGRATIONS || resolved?.id === VERSION ? `\0${resolved.id}` : null
    },
  },
  load(id) {
    if (id === `\0${VERSION}`) return `export const PACKAGE_VERSION = 'ahead ${ahead}'`
    if (id !== `\0${MIGRATIONS}`) return null
    return `import { MIGRATIONS as OWN } from ${JSON.stringify(MIGRATIONS)}
export * from ${JSON.stringify(MIGRATIONS)}
export const MIGRATIONS = [...OWN, ...${JSON.stringify(made)}]`
  },
}

await bundle(listEntries(), join(folder, 'dist'), [plugin])
copyFileSync(here('package.json'), join(folder, 'package.json'))
symlinkSync(here('node_modules'), join(folder, 'node_modules'))
