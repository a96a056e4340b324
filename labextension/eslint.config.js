import jupyter from '@jupyter/eslint-plugin';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['build/', 'lib/', 'node_modules/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'test/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numbers in messages are meant.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // `T | undefined` in an index is asserted where the loop proves it.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // What comes over a wire is typed by what it should be, and checked for what it is.
      '@typescript-eslint/no-unnecessary-condition': 'off'
    }
  },
  {
    // Methods called on objects that may not have them are how internal slots are told.
    files: ['src/wire/clone/kinds.ts', 'src/wire/clone/views.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' }
  },
  {
    // The matchers of the test runner are typed as any, and what a test takes apart is not called as a method.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off'
    }
  },
  {
    files: ['src/lab/**/*.ts', 'src/cell/**/*.ts'],
    plugins: { jupyter },
    extends: [jupyter.configs.recommended]
  }
);
