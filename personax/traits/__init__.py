"""Traits of people by language models: prompts, requests, answers and the table that is made of them."""
