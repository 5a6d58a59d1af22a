// The API, and the page that was built: `GET /api/votes` returns the counts, `POST /api/votes/:name` adds one.
import express from "express";
import { createClient } from "redis";

const CHOICES = ["tea", "coffee", "water"];
const redis = createClient({ url: process.env.REDIS });
redis.on("error", (error) => console.error(`redis: ${error.message}`));
await redis.connect();

const counts = async () => {
  const known = await redis.hGetAll("votes");
  return Object.fromEntries(CHOICES.map((name) => [name, Number(known[name] ?? 0)]));
};

const app = express();
app.use(express.static("dist"));
app.get("/health", async (_, response) => response.send(await redis.ping()));
app.get("/api/votes", async (_, response) => response.json(await counts()));
app.post("/api/votes/:name", async (request, response) => {
  if (!CHOICES.includes(request.params.name)) {
    return response.status(404).json({ error: "no such choice" });
  }
  await redis.hIncrBy("votes", request.params.name, 1);
  return response.json(await counts());
});

const server = app.listen(3000, () => console.log("listening on 3000"));
process.on("SIGTERM", () => server.close(() => redis.quit()));
