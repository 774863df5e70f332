/** The route of a path by the looks of its segments: what varies, what is a word, and that the pattern matches the path it came of. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pathMistake, pathTest } from "../../src/config/pattern.js";
import { templateOf } from "../../src/core/route-template.js";

const ROWS: readonly (readonly [path: string, template: string])[] = [
  ["/", "/"],
  ["", ""],
  ["*", "*"],
  ["/v1/jobs/next", "/v1/jobs/next"],
  ["/v1/jobs/17/complete", "/v1/jobs/:n/complete"],
  ["/v1/jobs/-3", "/v1/jobs/:n"],
  ["/v1/jobs/17/", "/v1/jobs/:n/"],
  ["/jobs/6f1c2b9e-8f0a-4e0d-9a53-0d4f1a2b3c4d", "/jobs/:id"],
  ["/jobs/%7B6F1C2B9E-8F0A-4E0D-9A53-0D4F1A2B3C4D%7D", "/jobs/:id"],
  ["/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/jobs/:id"],
  ["/jobs/507f1f77bcf86cd799439011", "/jobs/:id"],
  ["/commits/3f2a9c1b", "/commits/:hex"],
  ["/commits/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commits/:hex"],
  ["/words/deadbeef", "/words/deadbeef"],
  ["/charges/ch_3MmlLrLkdIwHu7ix", "/charges/:id"],
  ["/Accounts/SMd936ed6dc2a3e1b6c4b0e9a1f2d3c4b5", "/Accounts/:id"],
  ["/s/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "/s/:id"],
  ["/bots/bot-8639eb42-b5fa/token", "/bots/:id/token"],
  ["/words/cafe-babe-face", "/words/cafe-babe-face"],
  ["/words/feed-back-2", "/words/feed-back-2"],
  ["/reports/2024-02-29", "/reports/:date"],
  ["/reports/2024-02", "/reports/:date"],
  ["/reports/2024-02-29T10%3A00%3A00Z", "/reports/:date"],
  ["/2010-04-01/Accounts", "/2010-04-01/Accounts"],
  ["/users/ann%40example.com/keys", "/users/:email/keys"],
  ["/hosts/10.0.0.7", "/hosts/:id"],
  ["/static/app.3f2a9c1b.js", "/static/app.*.js"],
  ["/static/main-5d41402abc4b2a76.css", "/static/main-*.css"],
  ["/jobs/17.json", "/jobs/*.json"],
  ["/jobs/6f1c2b9e-8f0a-4e0d-9a53-0d4f1a2b3c4d.json", "/jobs/*.json"],
  ["/rest/api/2/issue/7", "/rest/api/2/issue/:n"],
  ["/api/7", "/api/:n"],
  ["/artists/QzCwSoaj3kYrnzDjImSRvg", "/artists/:id"],
  ["/listAllOfMyApiKeys", "/listAllOfMyApiKeys"],
  ["/static/index.html", "/static/index.html"],
  ["/static/chunk-vendors.js", "/static/chunk-vendors.js"],
  ["/api/v2/search", "/api/v2/search"],
  ["/api/2.0/jobs/4", "/api/2.0/jobs/:n"],
  ["/apis/v1beta1/things", "/apis/v1beta1/things"],
  ["/oauth2/token", "/oauth2/token"],
  ["/release-of-2024-to-all", "/release-of-2024-to-all"],
  ["/getUserSubscriptionList", "/getUserSubscriptionList"],
  ["/getUserSubscriptionList2", "/getUserSubscriptionList2"],
  ["/two-factor-authentication-settings", "/two-factor-authentication-settings"],
  ["/user_mapping2/x", "/user_mapping2/x"],
  ["/a/%E0%A4%A", "/a/%E0%A4%A"],
  ["/a/:odd", "/a/*odd"],
  ["/a/b*c", "/a/b*c"],
  [`/${"a".repeat(200)}`, "/:id"],
];

describe("the template of a path", () => {
  it.each(ROWS)("%s is %s", (path, template) => {
    expect(templateOf(path)).toBe(template);
  });

  it("is a pattern that is right, and that its path is of", () => {
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 1, maxLength: 40 });
    const segment = fc.oneof(fc.string({ maxLength: 30 }), hex, fc.uuid());
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const path = `/${segments.map((one) => one.replace(/[^\x21-\x7e]|[?#]/gu, "~")).join("/")}`;
        const template = templateOf(path);
        expect(pathMistake(template)).toBeUndefined();
        expect(pathTest(template)(path)).toBe(true);
      }),
    );
  });
});
