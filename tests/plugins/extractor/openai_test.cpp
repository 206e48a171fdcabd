// The extractor `openai` against a real server: slow, busy, broken, far too large, under a wrong
// name.
#include <sys/wait.h>
#include <unistd.h>

#include "support/chat_server.hpp"
#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/parts/extractor.hpp"

namespace tsrec::test {
namespace {

using httplib::Request;
using httplib::Response;
using Words = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

constexpr const char* kKeyVariable = "TSREC_TEST_CHAT_KEY";
constexpr const char* kKey = "sk-test-3d1f9a7c55e0";

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

// So many tokens of a level, each with two items of its own.
struct World {
  explicit World(int64_t count, int64_t level = 0) {
    Words keys, titles;
    for (int64_t i = 0; i < 2 * count; ++i) {
      keys.push_back(std::to_string(i));
      titles.push_back(c10::str("bolt ", i));
    }
    items = Items(keys);
    items.set("title", titles);
    for (int64_t code = 0; code < count; ++code)
      clusters.push_back({SidSpelling().token(level, code), level, code, {2 * code, 2 * code + 1}});
  }
  Items items;
  std::vector<TokenCluster> clusters;
};

class OpenAi : public ::testing::Test {
 protected:
  std::vector<TokenNote> extract(const ChatServer& server, const World& world, Context& context,
                                 const OptionTexts& more = {}) {
    OptionTexts options = {{"base_url", server.url()},
                           {"model", "test-model"},
                           {"cache", (folder_.path() / "replies").string()},
                           {"first_wait", "0.01"},
                           {"timeout", "5"}};
    for (const auto& [key, text] : more) options[key] = text;
    return make_part<Extractor>("openai", context, options)
        ->extract(world.clusters, world.items, context);
  }
  template <class E>
  std::string refusal(const ChatServer& server, const OptionTexts& more = {}) {
    return message_of<E>([&] { extract(server, World(1), context_, more); });
  }
  TempFolder folder_;
  TestContext context_;
};

TEST_F(OpenAi, DescribesEveryTokenInOrder) {
  const ChatServer server;
  const World world(12);
  const auto notes = extract(server, world, context_);
  ASSERT_EQ(notes.size(), 12u);
  for (size_t t = 0; t < 12; ++t) {
    EXPECT_EQ(notes[t].token, world.clusters[t].token);
    EXPECT_EQ(notes[t].description, c10::str("Things like bolt ", 2 * t, "."));
    EXPECT_EQ(notes[t].keywords, (Words{c10::str("bolt ", 2 * t), "thing"}));
  }
  EXPECT_EQ(context_.counters,
            (std::map<std::string, int64_t>{
                {"requests", 12}, {"prompt_tokens", 1200}, {"completion_tokens", 84}}));
  EXPECT_EQ(context_.messages, Words{});
  EXPECT_EQ(context_.complaint(), "");
}

TEST_F(OpenAi, SendsTheModelItsSettingsAndThePrompt) {
  const ChatServer server;
  extract(server, World(1), context_,
          {{"temperature", "0.5"},
           {"max_tokens", "99"},
           {"category", "hardware"},
           {"extra", R"({"response_format":{"type":"json_object"},"stream":null})"}});
  nlohmann::json body = nlohmann::json::parse(server.bodies().at(0));
  const std::string question = body["messages"][0]["content"];
  body.erase("messages");
  EXPECT_EQ(body, (nlohmann::json{{"model", "test-model"},
                                  {"temperature", 0.5},
                                  {"max_tokens", 99},
                                  {"response_format", {{"type", "json_object"}}}}));
  EXPECT_TRUE(contains(question, "expertise in hardware product classification"));
  EXPECT_TRUE(contains(question, "Item 2\nTitle: bolt 1"));
}

// --- what is asked twice, and what is not --------------------------------------------------------
TEST_F(OpenAi, AsksNothingTwice) {
  const ChatServer server;
  const World world(5);
  const auto first = extract(server, world, context_);
  TestContext again;
  const auto second = extract(server, world, again);
  EXPECT_EQ(server.requests(), 5u);
  EXPECT_EQ(again.counters, (std::map<std::string, int64_t>{{"cached", 5}}));
  for (size_t t = 0; t < 5; ++t) {
    EXPECT_EQ(second[t].description, first[t].description);
    EXPECT_EQ(second[t].keywords, first[t].keywords);
  }
  // Another model, another setting, another text are other questions.
  extract(server, world, again, {{"model", "other"}});
  extract(server, world, again, {{"temperature", "1"}});
  extract(server, world, again, {{"category", "books"}});
  EXPECT_EQ(server.requests(), 20u);
}

TEST_F(OpenAi, AKilledRunAsksOnlyWhatItHasNoAnswerTo) {
  std::atomic<pid_t> child{0};
  const ChatServer server([&](const Request& request, Response& response, size_t number) {
    while (number == 3 && child == 0) std::this_thread::yield();
    if (number == 3) ::kill(child, SIGKILL);  // in the middle of the fourth question
    ChatServer::describe(request, response, number);
  });
  const World world(8);
  child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      TestContext context;
      extract(server, world, context, {{"concurrency", "1"}});
    } catch (...) {
    }
    ::_exit(0);  // none of the parent's objects is this process's to destroy
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child.load());
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto notes = extract(server, world, context_);
  EXPECT_EQ(notes.size(), 8u);
  EXPECT_EQ(context_.counters["cached"], 3);
  EXPECT_EQ(context_.counters["requests"], 5);
  EXPECT_EQ(server.requests(), 9u) << "four before the kill, of which one had no answer";
}

TEST_F(OpenAi, AReplyThatSomebodyBrokeIsAskedForAgain) {
  const ChatServer server;
  extract(server, World(1), context_);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (entry.is_regular_file()) io::write_text(entry.path(), "{");
  }
  EXPECT_EQ(extract(server, World(1), context_).size(), 1u);
  EXPECT_EQ(server.requests(), 2u);
}

// --- answers that cannot be used -----------------------------------------------------------------
TEST_F(OpenAi, ABrokenAnswerIsRepairedOnce) {
  const ChatServer server([](const Request& request, Response& response, size_t number) {
    if (number == 0) return ChatServer::reply(response, "Sure! {\"description\": \"d\"}");
    ChatServer::describe(request, response, number);
  });
  const auto notes = extract(server, World(1), context_);
  ASSERT_EQ(notes.size(), 1u);
  const auto messages = nlohmann::json::parse(server.bodies().at(1))["messages"];
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1]["role"], "assistant");
  EXPECT_EQ(messages[1]["content"], "Sure! {\"description\": \"d\"}");
  EXPECT_TRUE(messages[2]["content"].get<std::string>().starts_with(
      "This answer cannot be used: the JSON object has no \"keywords\"."));
  EXPECT_EQ(context_.counters["repairs"], 1);
  EXPECT_EQ(context_.messages, Words{});
}

TEST_F(OpenAi, ATokenWithTwoBrokenAnswersIsLeftOutWithAWarning) {
  const ChatServer server([](const Request& request, Response& response, size_t number) {
    if (contains(request.body, "bolt 2")) return ChatServer::reply(response, "");
    ChatServer::describe(request, response, number);
  });
  const World world(3);
  const auto notes = extract(server, world, context_);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].token, "<a_0>");
  EXPECT_EQ(notes[1].token, "<a_2>");
  EXPECT_EQ(context_.messages,
            Words{"openai: 1 of 3 tokens are left out, because two answers could not be used; the "
                  "first is <a_1> (there is no JSON object)"});
  EXPECT_EQ(context_.counters["left_out"], 1);
  EXPECT_EQ(server.requests(), 4u);
  extract(server, world, context_);
  EXPECT_EQ(server.requests(), 4u) << "broken answers are kept as well";
}

TEST_F(OpenAi, ATokenWithoutTextsIsNotAsked) {
  const ChatServer server;
  World world(2);
  world.items.set("title", {"bolt", "nut", "", " "});
  EXPECT_EQ(extract(server, world, context_).size(), 1u);
  EXPECT_EQ(server.requests(), 1u);
  EXPECT_EQ(context_.messages, Words{"openai: 1 of 2 tokens are left out, because their items have "
                                     "no text; the first is <a_1>"});
}

TEST_F(OpenAi, DeeperLevelsAreAskedAfterTheEarlierOnes) {
  const ChatServer server;
  World world(2);
  for (const TokenCluster& deeper : World(2, 1).clusters) world.clusters.push_back(deeper);
  EXPECT_EQ(extract(server, world, context_, {{"prefix_conditioned", "true"}}).size(), 4u);
  for (size_t number = 0; number < 4; ++number) {
    const std::string question = ChatServer::question_of(server.bodies().at(number));
    EXPECT_EQ(contains(question, "Family: bolt "), number >= 2) << number;
  }
}

// --- failures that pass --------------------------------------------------------------------------
TEST_F(OpenAi, WaitsAsLongAsABusyServerAsks) {
  const ChatServer server([](const Request& request, Response& response, size_t number) {
    ChatServer::describe(request, response, number);
    if (number > 0) return;
    response.status = 429;
    response.set_header("Retry-After", "0.3");
  });
  EXPECT_EQ(extract(server, World(3), context_, {{"concurrency", "1"}}).size(), 3u);
  EXPECT_GE(seconds(server.times()[1] - server.times()[0]), 0.3);
  EXPECT_EQ(context_.counters["requests"], 4);
  EXPECT_EQ(context_.counters["retries"], 1);
  EXPECT_EQ(context_.counters["prompt_tokens"], 300) << "a refused request costs no tokens";
}

TEST_F(OpenAi, FailuresThatPassAreTriedAgain) {
  const ChatServer server([](const Request& request, Response& response, size_t number) {
    const auto broken_off = [&](size_t size) {  // promises more than it sends
      response.set_content_provider(size, "application/json",
                                    [](size_t offset, size_t, httplib::DataSink& sink) {
                                      if (offset > 0) return false;
                                      return sink.write("{\"choices\": [", 13);
                                    });
    };
    switch (number) {
      case 0:
        response.status = 500;
        return;
      case 1:
        response.status = 503;
        response.set_content(R"({"error": {"message": "overloaded"}})", "application/json");
        return;
      case 2:
        return broken_off(5000);
      case 3:
        response.set_content("{\"choices\": []}", "application/json");
        return;
      default:
        ChatServer::describe(request, response, number);
    }
  });
  EXPECT_EQ(extract(server, World(1), context_).size(), 1u);
  EXPECT_EQ(context_.counters["requests"], 5);
  EXPECT_EQ(context_.counters["retries"], 4);
}

TEST_F(OpenAi, ASlowAnswerIsGivenUpAndAskedForAgain) {
  std::atomic<bool> is_over{false};
  {
    const ChatServer server([&](const Request& request, Response& response, size_t number) {
      if (number == 0) {
        while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      } else if (number == 1) {  // a byte now and then, for ever
        response.set_chunked_content_provider(
            "application/json", [&](size_t, httplib::DataSink& sink) {
              std::this_thread::sleep_for(std::chrono::milliseconds(5));
              return !is_over && sink.write(" ", 1);
            });
      } else {
        ChatServer::describe(request, response, number);
      }
    });
    EXPECT_EQ(extract(server, World(1), context_, {{"timeout", "0.15"}}).size(), 1u);
    EXPECT_GE(seconds(server.times()[1] - server.times()[0]), 0.15);
    EXPECT_GE(seconds(server.times()[2] - server.times()[1]), 0.15);
    EXPECT_EQ(context_.counters["requests"], 3);
    is_over = true;
  }
}

TEST_F(OpenAi, FailuresThatStayEndInASentence) {
  const ChatServer server([](const Request&, Response& response, size_t) {
    response.status = 503;
    response.set_content(R"({"error": {"message": "all\nbusy"}})", "application/json");
  });
  EXPECT_EQ(refusal<Error>(server, {{"retries", "2"}}),
            server.url() +
                " gave no reply in 3 tries, at last: status 503 (all busy); run the same command "
                "again to go on: the replies so far are kept in " +
                (folder_.path() / "replies").string());
  EXPECT_EQ(server.requests(), 3u);
}

TEST_F(OpenAi, NobodyThereEndsInASentence) {
  std::string url;
  {
    const ChatServer gone;
    url = gone.url();
  }
  const ChatServer server;
  EXPECT_TRUE(contains(refusal<Error>(server, {{"base_url", url}, {"retries", "1"}}),
                       " gave no reply in 2 tries, at last: no connection to 127.0.0.1; "));
}

TEST_F(OpenAi, AServerThatAsksForAnHourEndsInASentence) {
  const ChatServer server([](const Request&, Response& response, size_t) {
    response.status = 429;
    response.set_header("Retry-After", "3600");
  });
  EXPECT_TRUE(contains(refusal<Error>(server),
                       "asks to wait 3600 seconds (status 429); run the same command then"));
}

// --- failures that do not ------------------------------------------------------------------------
TEST_F(OpenAi, ARefusedRequestIsNotTriedAgain) {
  const ChatServer server([](const Request&, Response& response, size_t) {
    response.status = 404;
    response.set_content(R"({"error": {"message": "no such model"}})", "application/json");
  });
  EXPECT_EQ(refusal<ConfigError>(server),
            server.url() +
                " refuses the request for the model 'test-model': status 404 (no such model); "
                "check  base_url, model, max_tokens and extra");
  EXPECT_EQ(server.requests(), 1u);
}

TEST_F(OpenAi, ARedirectionIsNotFollowed) {
  const ChatServer elsewhere;
  const ChatServer server([&](const Request&, Response& response, size_t) {
    response.set_redirect(elsewhere.url() + "/chat/completions");
  });
  EXPECT_TRUE(contains(refusal<ConfigError>(server), "status 302"));
  EXPECT_EQ(elsewhere.requests(), 0u);
}

TEST_F(OpenAi, AHugeAnswerIsCutOff) {
  std::atomic<size_t> sent{0};
  const ChatServer server([&](const Request&, Response& response, size_t) {
    response.set_content_provider(100 << 20, "application/json",
                                  [&](size_t, size_t left, httplib::DataSink& sink) {
                                    static const std::string piece(1 << 16, 'x');
                                    const size_t size = std::min(left, piece.size());
                                    sent += size;
                                    return sink.write(piece.data(), size);
                                  });
  });
  EXPECT_EQ(
      refusal<Error>(server),
      server.url() +
          ": the answer is larger than 1 MiB and was cut off there: this is no chat endpoint, "
          "or max_tokens is too high");
  EXPECT_EQ(server.requests(), 1u);
  EXPECT_LT(sent, size_t{50} << 20) << "what lies in the socket's buffers, and no more";
}

// --- many at a time ------------------------------------------------------------------------------
TEST_F(OpenAi, NeverMoreAtATimeThanAllowed) {
  const ChatServer server([](const Request& request, Response& response, size_t number) {
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    ChatServer::describe(request, response, number);
  });
  extract(server, World(20), context_, {{"concurrency", "3"}});
  EXPECT_LE(server.most_at_once(), 3u);
  EXPECT_GE(server.most_at_once(), 2u);
}

TEST_F(OpenAi, NoMoreRequestsAMinuteThanAllowed) {
  const ChatServer server;
  extract(server, World(7), context_, {{"requests_per_minute", "1200"}, {"concurrency", "7"}});
  const auto times = server.times();
  EXPECT_GE(seconds(times.back() - times.front()), 6 * 0.05 - 0.02);
}

// Stops when the server has been asked so often.
class StoppingContext : public TestContext {
 public:
  StoppingContext(const ChatServer& server, size_t requests)
      : server_(server), requests_(requests) {}
  bool stopping() const override { return server_.requests() >= requests_; }

 private:
  const ChatServer& server_;
  size_t requests_;
};

TEST_F(OpenAi, AStopEndsWhatIsUnderWay) {
  std::atomic<bool> is_over{false};
  const ChatServer server([&](const Request& request, Response& response, size_t number) {
    if (number < 2) return ChatServer::describe(request, response, number);
    while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  StoppingContext context(server, 3);
  const std::string said = message_of<Interrupted>([&] {
    extract(server, World(9), context, {{"timeout", "600"}, {"concurrency", "1"}});
  });
  is_over = true;
  EXPECT_TRUE(contains(said, "the replies so far are kept in " + folder_.path().string()));
  EXPECT_EQ(server.requests(), 3u);
  StoppingContext at_once(server, 0);
  EXPECT_THROW(extract(server, World(9), at_once), Interrupted);
  EXPECT_EQ(server.requests(), 3u);
}

TEST_F(OpenAi, AStopEndsAWait) {
  const ChatServer server([&](const Request&, Response& response, size_t) {
    response.status = 429;
    response.set_header("Retry-After", "500");
  });
  StoppingContext context(server, 1);
  EXPECT_THROW(extract(server, World(9), context), Interrupted);
}

// --- secrets -------------------------------------------------------------------------------------
class OpenAiKey : public OpenAi {
 protected:
  void SetUp() override { ::setenv(kKeyVariable, (std::string(kKey) + "\n").c_str(), 1); }
  void TearDown() override { ::unsetenv(kKeyVariable); }
  void expect_nowhere(const Words& said) {
    for (const std::string& text : said) EXPECT_FALSE(contains(text, kKey)) << text;
    for (const std::string& text : context_.messages) EXPECT_FALSE(contains(text, kKey)) << text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) {
        EXPECT_FALSE(contains(io::read_text(entry.path()), kKey)) << entry.path();
      }
    }
  }
  OptionTexts with_key_ = {{"api_key_env", kKeyVariable}, {"retries", "0"}};
};

TEST_F(OpenAiKey, GoesToTheServerAndNowhereElse) {
  std::atomic<int> status{200};
  const ChatServer server([&](const Request& request, Response& response, size_t) {
    const std::string key = request.get_header_value("Authorization");
    EXPECT_EQ(key, std::string("Bearer ") + kKey);
    if (status == 200) return ChatServer::reply(response, ChatServer::note(key, {key, "word"}));
    response.status = status;
    response.set_content(nlohmann::json{{"error", {{"message", "bad " + key}}}}.dump(), "text");
  });
  const auto notes = extract(server, World(1), context_, with_key_);
  ASSERT_EQ(notes.size(), 1u);
  Words said = {notes[0].description, notes[0].keywords[0]};
  EXPECT_EQ(notes[0].description, "Bearer [key]");
  for (const int code : {400, 401, 403, 429, 500}) {
    status = code;
    OptionTexts options = with_key_;
    options["category"] = std::to_string(code);  // another question
    said.push_back(refusal<Error>(server, options));
  }
  EXPECT_TRUE(contains(said[3], c10::str(" refuses the key of ", kKeyVariable, " (status 401); ")));
  EXPECT_TRUE(contains(said[6], "status 500 (bad Bearer [key])"));
  expect_nowhere(said);
}

// A message is shortened for its reader: no beginning of the key may be left at its end.
TEST_F(OpenAiKey, IsNotLeftInPartWhereAMessageIsShortened) {
  std::atomic<size_t> before{0};
  const ChatServer server([&](const Request&, Response& response, size_t number) {
    response.status = 400;
    const std::string text = std::string(before, 'x') + kKey + kKey;
    response.set_content(number % 2 == 0 ? text : nlohmann::json{{"error", text}}.dump(), "text");
  });
  for (before = 270; before < 310; ++before) {
    const std::string said = refusal<ConfigError>(server, with_key_);
    EXPECT_FALSE(contains(said, "sk-")) << said;
  }
}

TEST_F(OpenAiKey, IsNeededOnlyForWhatIsNotKept) {
  const ChatServer server;
  extract(server, World(1), context_, with_key_);
  ::unsetenv(kKeyVariable);
  EXPECT_EQ(extract(server, World(1), context_, with_key_).size(), 1u);
  EXPECT_EQ(
      message_of<ConfigError>([&] { extract(server, World(2), context_, with_key_); }),
      c10::str("the environment variable ", kKeyVariable, " is not set; it must hold the key for ",
               server.url(), " (api_key_env = \"\" sends none)"));
  ::setenv(kKeyVariable, "two\r\nlines", 1);
  const std::string said =
      message_of<ConfigError>([&] { extract(server, World(2), context_, with_key_); });
  EXPECT_TRUE(contains(said, "holds no key"));
  EXPECT_FALSE(contains(said, "lines"));
}

TEST_F(OpenAiKey, InAQuestionIsRefused) {
  const ChatServer server;
  OptionTexts options = with_key_;
  options["extra"] = std::string(R"({"key":")") + kKey + "\"}";
  const std::string said = refusal<ConfigError>(server, options);
  EXPECT_TRUE(contains(said, "stands in the text of a question or in  extra"));
  EXPECT_EQ(server.requests(), 0u);
  expect_nowhere({said});
}

TEST_F(OpenAiKey, OptionsThatCouldHoldItAreRefusedWithoutRepeatingIt) {
  const ChatServer server;
  const auto said = [&](const std::string& option, const std::string& value) {
    return refusal<ConfigError>(server, {{option, value}});
  };
  EXPECT_TRUE(contains(said("api_key_env", kKey), "must be the name of an environment variable"));
  EXPECT_TRUE(contains(said("base_url", c10::str("https://", kKey, "@host")), "must not hold"));
  EXPECT_TRUE(contains(said("base_url", c10::str("https://host?k=", kKey)), "must look like"));
  expect_nowhere({said("api_key_env", kKey), said("base_url", c10::str("https://", kKey, "@host")),
                  said("base_url", c10::str("https://host?k=", kKey))});
}

TEST_F(OpenAiKey, UnencryptedToAnotherMachineIsWarnedOf) {
  const ChatServer server;
  OptionTexts options = with_key_;
  options["base_url"] = c10::str("http://0.0.0.0:", server.port(), "/v1");  // no loopback address
  EXPECT_EQ(extract(server, World(1), context_, options).size(), 1u);
  ASSERT_EQ(context_.messages.size(), 1u);
  EXPECT_TRUE(contains(context_.messages[0], " goes to 0.0.0.0 unencrypted"));
  expect_nowhere({});
}

// --- certificates --------------------------------------------------------------------------------
TEST_F(OpenAiKey, IsNotSentToAServerThatNobodyVouchesFor) {
  const Certificate certificate("IP:127.0.0.1");
  const ChatServer server(ChatServer::describe, &certificate);
  OptionTexts options = with_key_;
  options["retries"] = "3";
  EXPECT_TRUE(contains(refusal<Error>(server, options),
                       "the certificate is not 127.0.0.1's, or no authority that is known here"));
  EXPECT_EQ(server.requests(), 0u);
}

TEST_F(OpenAi, AnAuthorityOfOnesOwnIsNamed) {
  const Certificate certificate("IP:127.0.0.1");
  const ChatServer server(ChatServer::describe, &certificate);
  const std::string file = folder_.write("own.pem", certificate.pem()).string();
  EXPECT_EQ(extract(server, World(4), context_, {{"ca_file", file}}).size(), 4u);
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  EXPECT_EQ(extract(server, World(4), context_, {{"category", "again"}}).size(), 4u);
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_TRUE(contains(refusal<Error>(server, {{"ca_file", "/nowhere"}, {"category", "x"}}),
                       "the certificates of authorities cannot be read"));
}

TEST_F(OpenAi, ACertificateForAnotherNameIsRefused) {
  const Certificate certificate("DNS:somewhere.example,IP:127.0.0.2");
  const ChatServer server(ChatServer::describe, &certificate);
  const std::string file = folder_.write("own.pem", certificate.pem()).string();
  EXPECT_TRUE(
      contains(refusal<Error>(server, {{"ca_file", file}}), "the certificate is not 127.0.0.1's"));
  EXPECT_EQ(server.requests(), 0u);
}

}  // namespace
}  // namespace tsrec::test
