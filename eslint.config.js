import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules", "coverage"] },
  ...tseslint.configs.strict,
  {
    rules: {
      "no-console": "error",
      "eqeqeq": "error",
      "no-restricted-globals": [
        "error",
        { name: "process", message: "Only src/main.ts touches the process." },
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "Randomness has names: see core/random.ts." },
        { object: "Date", property: "now", message: "Time is handed in: see core/clock.ts." },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/no-extraneous-class": "off",
    },
  },
  {
    files: [
      "src/main.ts",
      "src/mock/**",
      "src/cli/**",
      "test/**",
      "bench/**",
      "deploy/**",
      "examples/**",
      "*.js",
      "*.ts",
    ],
    rules: { "no-restricted-globals": "off", "no-restricted-properties": "off", "no-console": "off" },
  },
  {
    files: ["test/**"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // CommonJS has no other way.
    files: ["**/*.cjs"],
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
);
